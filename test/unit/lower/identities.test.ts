/** The numbers by which session affinity remembers endpoints. */
import { expect, test } from "vitest";
import { Identities } from "../../../compiler/lower/identities.ts";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { hashText } from "../../../compiler/net/hash.ts";
import { candidate, servicePort } from "../../support/service-port.ts";

const ENDPOINT = candidate("1 ready");
const hashOf = (name: string): number => hashText(`shop/${name}/tcp/10.244.0.1:8080`);

/** The numbers of endpoint 10.244.0.1:8080 of Services of namespace shop, asked for one after the other. */
function numbersOf(...services: readonly (string | Partial<ServicePort>)[]): number[] {
  const identities = new Identities();
  return services.map((each) => identities.of(servicePort(typeof each === "string" ? { name: each } : each), ENDPOINT));
}

test("the names of this test have the hashes that it needs", () => {
  expect(["akdbrlvy", "adhtiqpc"].map(hashOf)).toEqual([0, 0xffffffff]);
  expect(hashOf("web-5pwq")).toBe(hashOf("web-g5fe"));
});

test.each<[what: string, services: (string | Partial<ServicePort>)[], want: number[]]>([
  ["the hash of Service, protocol and endpoint", ["web", "api"], [hashOf("web"), hashOf("api")]],
  ["the same for the same one", ["web", "web"], [hashOf("web"), hashOf("web")]],
  ["never 0", ["akdbrlvy"], [1]],
  ["never 2^32-1: the next number but 0", ["adhtiqpc"], [1]],
  ["the next free one behind both", ["adhtiqpc", "akdbrlvy"], [1, 2]],
  [
    "the later one of two names with one hash has the next",
    ["web-5pwq", "web-g5fe"],
    [hashOf("web-5pwq"), hashOf("web-5pwq") + 1],
  ],
  ["each keeps its own", ["web-5pwq", "web-g5fe", "web-5pwq"], [0, 1, 0].map((n) => hashOf("web-5pwq") + n)],
  ["another protocol is another one", [{ protocol: "udp" }], [hashText("shop/web/udp/10.244.0.1:8080")]],
  ["another port of the Service, too", [{ portName: "http" }], [hashText("shop/web:http/tcp/10.244.0.1:8080")]],
])("a number is %s", (_, services, want) => {
  expect(numbersOf(...services)).toEqual(want);
});
