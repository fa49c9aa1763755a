import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseAddress } from "../../../compiler/net/address.ts";
import type { FamilySettings, Settings } from "../../../compiler/node/settings.ts";
import { HealthCheckPorts, healthCheckHosts } from "../../../runtime/agent/health-check-ports.ts";
import { settle } from "../../support/agent-world.ts";
import { TestClock } from "../../support/api-server/test-clock.ts";

const LOCALHOST = ["127.0.0.1"];
const told: string[] = [];
let clock = new TestClock();
let ports: HealthCheckPorts;

beforeEach(() => {
  clock = new TestClock();
  ports = new HealthCheckPorts(
    () => true,
    (service, message) => void told.push(`${service}: ${message.replace(/\d{2,}/g, "N")}`),
    clock,
  );
});

afterEach(() => {
  ports.close();
  told.length = 0;
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The status at the address, or why there is none. */
async function statusAt(port: number, host = "127.0.0.1"): Promise<number | string> {
  try {
    return (await fetch(`http://${host}:${port}/`)).status;
  } catch (error) {
    return String((error as { readonly cause?: { readonly code?: string } }).cause?.code);
  }
}

test("answer at the addresses that are named, and at no others, as long as the Service asks for it", async () => {
  const port = await freePort();
  await ports.set(new Map([["shop/web", { port, localEndpoints: 2 }]]), LOCALHOST);
  const answer = await fetch(`http://127.0.0.1:${port}/anything`);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { service: { namespace: "shop", name: "web" }, localEndpoints: 2, serviceProxyHealthy: true },
  ]);
  expect(await statusAt(port, "127.0.0.2")).toBe("ECONNREFUSED");
  await ports.set(new Map([["shop/web", { port, localEndpoints: 0 }]]), LOCALHOST);
  expect(await statusAt(port)).toBe(503);
  await ports.set(new Map([["shop/web", { port, localEndpoints: 1 }]]), ["127.0.0.2"]);
  expect([await statusAt(port), await statusAt(port, "127.0.0.2")]).toEqual(["ECONNREFUSED", 200]);
  await ports.set(new Map(), LOCALHOST);
  expect(await statusAt(port, "127.0.0.2")).toBe("ECONNREFUSED");
  expect(told).toEqual([]);
});

test("one that somebody else has is told once, and taken when it is free", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const wanted = new Map([["shop/web", { port, localEndpoints: 1 }]]);
  for (let turn = 0; turn < 3; turn++) await ports.set(wanted, LOCALHOST);
  expect(told).toEqual([
    "shop/web: health check port N cannot be opened: listen EADDRINUSE: address already in use N.0.0.1:N",
  ]);
  other.close();
  await once(other, "close");
  await ports.set(wanted, LOCALHOST);
  expect(await statusAt(port)).toBe(200);
});

test("one that somebody else has is tried again every five seconds, also where no object changes", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const wanted = ["shop/web", "shop/api"].map((service) => [service, { port, localEndpoints: 1 }] as const);
  await ports.set(new Map(wanted), [...LOCALHOST, "127.0.0.2"]);
  // Of the second one, the first has 127.0.0.2.
  expect([told.length, clock.pending]).toEqual([3, 1]);
  await ports.set(new Map(wanted.slice(0, 1)), [...LOCALHOST, "127.0.0.2"]);
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(5000);
    // Until it has been refused again.
    while (clock.pending === 0) await settle(1);
  }
  expect([told.length, clock.pending]).toEqual([3, 1]);
  other.close();
  await once(other, "close");
  clock.advance(4999);
  await settle();
  expect(await statusAt(port)).toBe("ECONNREFUSED");
  clock.advance(1);
  while ((await statusAt(port)) !== 200) await settle(1);
  expect(clock.pending).toBe(0);
});

test("one that nobody wants any more is not tried again", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const wanted = new Map([["shop/web", { port, localEndpoints: 1 }]]);
  await ports.set(wanted, LOCALHOST);
  await ports.set(wanted, ["127.0.0.2"]);
  other.close();
  await once(other, "close");
  clock.advance(5000);
  await settle();
  expect([await statusAt(port), clock.pending]).toEqual(["ECONNREFUSED", 0]);
});

test("nothing is tried again after the end", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await ports.set(new Map([["shop/web", { port, localEndpoints: 1 }]]), LOCALHOST);
  expect(clock.pending).toBe(1);
  clock.advance(5000);
  ports.close();
  await settle();
  expect([told.length, clock.pending]).toEqual([1, 0]);
  other.close();
  await once(other, "close");
});

test("are those of node ports", () => {
  const [ipv4, ipv6] = ["192.168.0.2", "fd00::2"].map((text) => parseAddress(text) as never);
  const hosts = (...nodePorts: readonly FamilySettings["nodePorts"][]): readonly string[] => {
    const [IPv4, IPv6] = nodePorts.map((each) => ({ nodePorts: each }));
    return healthCheckHosts({ families: { IPv4, IPv6 } } as unknown as Settings);
  };
  expect(hosts({ kind: "every-local" }, { kind: "local-within", prefixes: [] })).toEqual(["0.0.0.0", "::"]);
  expect(hosts({ kind: "listed", addresses: [ipv4 as never] }, { kind: "listed", addresses: [ipv6 as never] })).toEqual(
    ["192.168.0.2", "fd00::2"],
  );
  expect(hosts({ kind: "listed", addresses: [] }, { kind: "listed", addresses: [] })).toEqual([]);
});
