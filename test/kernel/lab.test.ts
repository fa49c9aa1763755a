/** A lab is in namespaces of its own: the machine's networks are not in it, and nothing is left of it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { describeGrid } from "../support/grid-cluster.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EVERYTHING } from "../support/runs.ts";
import { addressOf, describeShop } from "../support/walks.ts";

/** All processes whose ancestor is `pid`, and that one. */
function familyOfProcess(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name): readonly [number, number] => [Number(name), Number(/^PPid:\s+(\d+)/m.exec(statusOf(name))?.[1])]);
  const found = [pid];
  for (const each of found) for (const [child, parent] of parents) if (parent === each) found.push(child);
  return found;
}

/** Empty: there is no such process. */
function statusOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}

/** A process that has ended and was not waited for yet is gone as well. */
function isThere(pid: number): boolean {
  const status = statusOf(pid);
  return status !== "" && !/^State:\s+Z/m.test(status);
}

function linksOfMachine(): string[] {
  return readdirSync("/sys/class/net").sort();
}

/** Those of `pids` that are still there after a while. */
async function leftOf(pids: readonly number[]): Promise<number[]> {
  for (let i = 0; i < 1000 && pids.some(isThere); i++) await setTimeout(50);
  return pids.filter(isThere);
}

/** Processes of a lab: the one that has started it, the one outside of its namespaces, and the one inside. */
type Ends = (lab: number, outside: number, inside: number) => void;

const ENDS: readonly Ends[] = [
  (lab) => process.kill(lab, "SIGKILL"),
  (lab) => process.kill(lab, "SIGINT"),
  (lab) => process.kill(lab, "SIGTERM"),
  (_, outside) => process.kill(outside, "SIGKILL"),
  (_lab, _outside, inside) => process.kill(inside, "SIGKILL"),
];

/** What is left of a lab that is ended some milliseconds after its processes are there. */
async function leftAfter(end: Ends, delay: number): Promise<number[]> {
  const words = ["lab", "run", "tcp web-1 > svc/api:http", "examples/shop", "--attempts", "1000000"];
  const { pid = 0 } = spawn(process.execPath, ["dist/bin/kpc.cjs", ...words], { stdio: "ignore" });
  for (let i = 0; i < 1000 && familyOfProcess(pid).length < 3; i++) await setTimeout(10);
  await setTimeout(delay);
  const all = familyOfProcess(pid);
  const [, outside = 0, inside = 0] = all;
  end(pid, outside, inside);
  return leftOf(all);
}

describe.skipIf(kernelMissing !== undefined)("a lab", () => {
  test("is gone when its process is killed, and no interface of the machine came or went", async () => {
    const before = readdirSync("/sys/class/net").sort();
    const { layout, programOf } = describeShop({ pods: "flannel-vxlan", balancer: "proxy" });
    const lab = await PacketLab.up(layout.network, programOf);
    expect(lab.proxyOf("lb/shop/pub")?.name).toBe(haproxyMissing === undefined ? "haproxy" : "kpc");
    expect(lab.proxyOf("node/n1")).toBeUndefined();
    const links = await lab.run("node/n1", "ip -o link");
    expect(links).toMatch(/ cni0: /);
    for (const name of before.filter((each) => each !== "lo" && each !== "eth0"))
      expect(links).not.toContain(` ${name}:`);
    expect(readdirSync("/sys/class/net").sort()).toEqual(before);
    const processes = familyOfProcess(lab.pid ?? 0);
    const programs = processes.map((pid) => /^Name:\s+(.*)/.exec(statusOf(pid))?.[1]);
    expect(programs.filter((name) => name === "haproxy")).toHaveLength(haproxyMissing === undefined ? 2 : 0);
    expect(processes.length).toBeGreaterThan(1);
    process.kill(lab.pid ?? 0, "SIGKILL");
    for (let i = 0; i < 1000 && processes.some(isThere); i++) await setTimeout(50);
    expect(processes.filter(isThere)).toEqual([]);
    await expect(lab.run("node/n1", "true")).rejects.toThrow("has ended");
  });

  test.runIf(EVERYTHING)("is gone when it is killed or interrupted, also while it is made", async () => {
    const links = linksOfMachine();
    const delays = [0, 200, 500];
    const found = await Promise.all(ENDS.flatMap((end) => delays.map((delay) => leftAfter(end, delay))));
    expect(found.flat()).toEqual([]);
    expect(linksOfMachine()).toEqual(links);
  });

  test("leaves nothing when it cannot be made", async () => {
    const { layout } = describeShop({ pods: "bridge" });
    const hosts = new Map(layout.network.hosts);
    const node = required(hosts.get("node/n1"), "there is a node");
    hosts.set("node/n1", { ...node, interfaces: [...node.interfaces, ...node.interfaces] });
    const before = familyOfProcess(process.pid);
    await expect(PacketLab.up({ hosts, links: [] }, () => undefined)).rejects.toThrow("the kernel refuses");
    const added = familyOfProcess(process.pid).filter((pid) => !before.includes(pid));
    expect(await leftOf(added)).toEqual([]);
  });

  test("has no way to the machine, whose links stay as they are", async () => {
    const links = linksOfMachine();
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.end("saw 192.0.2.1 1");
    }).listen(0, "0.0.0.0");
    await once(server, "listening");
    const { layout, programOf } = describeShop({ pods: "bridge" });
    const lab = await PacketLab.up(layout.network, programOf);
    try {
      expect(linksOfMachine()).toEqual(links);
      const bound = server.address();
      if (bound === null || typeof bound === "string") throw new Error("the server has no port");
      const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
      const addresses = own.filter(({ family }) => family === "IPv4").map(({ address }) => addressOf(address));
      for (const from of ["node/n1", "pod/shop/client", "outside/client", "gateway"]) {
        for (const destination of [addressOf("127.0.0.1"), ...addresses]) {
          const to = { destination, destinationPort: bound.port };
          const answer = await lab.ask({ protocol: 6, from, source: undefined, sourcePort: 0, patience: 200, ...to });
          expect(answer.kind).not.toBe("served");
        }
      }
    } finally {
      lab.close();
      server.close();
    }
    expect(connections).toBe(0);
    expect(linksOfMachine()).toEqual(links);
  });

  test("needs as many open files as it has namespaces, and says so", async () => {
    const limit = "ulimit -n 200 && exec perl runtime/lab/helper.pl";
    const told = spawnSync("sh", ["-c", limit], { input: "namespaces 20\nnamespaces 300\n", encoding: "utf8" });
    const [few, many] = told.stdout.split("\n");
    expect(few?.split(" ")).toHaveLength(20);
    expect(many).toMatch(
      /^trouble a lab of 300 network namespaces needs 384 open files, the limit is 200 \(ulimit -Hn\)/,
    );
  });

  test("hears those of many hosts that were asked for last", async () => {
    const { layout } = describeGrid({ nodes: 2, pods: 80, services: 1, network: "routed" });
    const lab = await PacketLab.up(layout.network, () => undefined);
    try {
      const pods = Array.from({ length: 80 }, (_, p) => `pod/d/p${p}`);
      for (const pod of pods) await lab.watch([pod]);
      const heard = async (from: string): Promise<boolean> => {
        const to = { destination: addressOf("127.0.0.1"), destinationPort: 9 };
        await lab.ask({ protocol: 6, from, source: undefined, sourcePort: 0, patience: 1000, ...to });
        return (await lab.sightings()).some(({ host }) => host === from);
      };
      expect([await heard("pod/d/p15"), await heard("pod/d/p16"), await heard("pod/d/p79")]).toEqual([
        false,
        true,
        true,
      ]);
      // More at once are all heard.
      await lab.watch(pods);
      expect(lab.unwatched()).toEqual([...layout.network.hosts.keys()].filter((host) => !pods.includes(host)));
      expect([await heard("pod/d/p0"), await heard("pod/d/p79")]).toEqual([true, true]);
    } finally {
      lab.close();
    }
  });

  test("tells what the kernel refuses", async () => {
    const { layout } = describeShop({ pods: "calico-ipip" });
    await expect(PacketLab.up(layout.network, () => undefined)).rejects.toThrow("VXLAN over IPv4 only");
  });
});
