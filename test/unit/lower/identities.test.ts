/** The numbers by which session affinity remembers endpoints. */
import { expect, test } from "vitest";
import { Identities, IdentityNames, serviceOfName, stickyNames } from "../../../compiler/lower/identities.ts";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { hashText } from "../../../compiler/net/hash.ts";
import { candidate, servicePort } from "../../support/service-port.ts";

const ENDPOINT = candidate("1 ready");
const hashOf = (name: string): number => hashText(`shop/${name}/tcp/10.244.0.1:8080`);

/** The numbers of endpoint 10.244.0.1:8080 of Services of namespace shop. */
function numbersOf(...services: readonly (string | Partial<ServicePort>)[]): number[] {
  const ports = services.map((each) => servicePort(typeof each === "string" ? { name: each } : each));
  const views = ports.map((port) => ({
    ...port,
    affinitySeconds: 60,
    clusterEndpoints: [ENDPOINT],
    localEndpoints: [ENDPOINT],
  }));
  const identities = Identities.of(views);
  return ports.map((port) => identities.of(port, ENDPOINT));
}

test("the names of this test have the hashes that it needs", () => {
  expect(["akdbrlvy", "adhtiqpc"].map(hashOf)).toEqual([0, 0xffffffff]);
  expect(hashOf("web-5pwq")).toBe(hashOf("web-g5fe"));
});

test.each<[what: string, services: (string | Partial<ServicePort>)[], want: number[]]>([
  ["the hash of Service, protocol and endpoint", ["web", "api"], [hashOf("web"), hashOf("api")]],
  ["never 0", ["akdbrlvy"], [1]],
  ["never 2^32-1, and leaves room above", ["adhtiqpc"], [0xfffeffff]],
  [
    "the next one for the later name of two with one hash",
    ["web-5pwq", "web-g5fe"],
    [hashOf("web-5pwq"), hashOf("web-5pwq") + 1],
  ],
  ["the same, in whatever order", ["web-g5fe", "web-5pwq"], [hashOf("web-5pwq") + 1, hashOf("web-5pwq")]],
  ["the hash again without the other name", ["web-g5fe"], [hashOf("web-5pwq")]],
  ["another one for another protocol", [{ protocol: "udp" }], [hashText("shop/web/udp/10.244.0.1:8080")]],
  ["another one for another port", [{ portName: "http" }], [hashText("shop/web:http/tcp/10.244.0.1:8080")]],
])("a number is %s", (_, services, want) => {
  expect(numbersOf(...services)).toEqual(want);
});

// Two names with one hash, and one that wants the number behind it.
const CROWD = ["10.0.232.51", "10.36.240.251", "10.86.252.36"].map((address) => `shop/web/tcp/${address}:8080`);
const [LOW = "", HIGH = "", BEHIND = ""] = CROWD;

test("names that want one number push on those that they meet, whatever comes and goes first", () => {
  const wanted = hashText(LOW);
  expect([hashText(HIGH), hashText(BEHIND)]).toEqual([wanted, wanted + 1]);
  const all = new Map([
    [HIGH, wanted + 1],
    [BEHIND, wanted + 2],
  ]);
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ]) {
    const names = new IdentityNames();
    for (const i of order) names.add(CROWD[i] ?? "");
    expect(names.moved()).toEqual(all);
  }
  const names = new IdentityNames();
  for (const name of CROWD) names.add(name);
  names.remove(HIGH);
  expect(names.moved()).toEqual(new Map());
  names.add(HIGH);
  names.remove(BEHIND);
  expect(names.moved()).toEqual(new Map([[HIGH, wanted + 1]]));
  names.remove(LOW);
  expect(names.moved()).toEqual(new Map());
});

test.each<[what: string, distance: number, first: string[], second: string[]]>([
  // Two names with one hash, and two with the one behind it, which the second of the first two gets.
  ["that meet", 1, ["10.25.230.179:8080", "10.232.81.205:8080"], ["10.24.121.140:8081", "10.59.153.187:8081"]],
  ["that touch", 2, ["10.245.213.226:8080", "10.97.208.176:8081"], ["10.1.147.58:8080", "10.202.15.26:8080"]],
])("two crowds of names %s give the same numbers in whatever order they come", (_, distance, ...crowds) => {
  const [first, second] = crowds.map((each) => each.map((end) => `shop/web/tcp/${end}`).sort());
  const all = [...(first ?? []), ...(second ?? [])];
  const wanted = hashText(all[0] ?? "");
  expect(all.map(hashText)).toEqual([wanted, wanted, wanted + distance, wanted + distance]);
  for (const order of [all, [...all].reverse()]) {
    const names = new IdentityNames();
    for (const name of order) names.add(name);
    const given = names.moved();
    expect(all.map((name) => given.get(name) ?? hashText(name))).toEqual([0, 1, 2, 3].map((step) => wanted + step));
  }
});

test("a number is given for each endpoint that a sticky client may be at", () => {
  const [here, there] = [candidate("1 ready"), candidate("2 ready")];
  const port = { ...servicePort(), clusterEndpoints: [there], localEndpoints: [here] };
  expect([...stickyNames({ ...port, affinitySeconds: 60 })]).toEqual([
    "shop/web/tcp/10.244.0.2:8080",
    "shop/web/tcp/10.244.0.1:8080",
  ]);
  expect([...stickyNames(port)]).toEqual([]);
});

test.each([
  ["shop/web:http/tcp/10.244.0.1:8080", "shop/web"],
  ["shop/web/tcp/10.244.0.1:8080", "shop/web"],
])("the name %s is of Service %s", (name, service) => expect(serviceOfName(name)).toBe(service));
