/** A lab is in namespaces of its own: the machine's networks are not in it, and nothing is left of it. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { kernelMissing } from "../support/kernel.ts";
import { describeShop } from "../support/walks.ts";

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

describe.skipIf(kernelMissing !== undefined)("a lab", () => {
  test("is gone when its process is killed, and no interface of the machine came or went", async () => {
    const before = readdirSync("/sys/class/net").sort();
    const { layout, programOf } = describeShop({ pods: "flannel-vxlan" });
    const lab = await PacketLab.up(layout.network, programOf);
    const links = await lab.run("node/n1", "ip -o link");
    expect(links).toMatch(/ cni0: /);
    for (const name of before.filter((each) => each !== "lo" && each !== "eth0"))
      expect(links).not.toContain(` ${name}:`);
    expect(readdirSync("/sys/class/net").sort()).toEqual(before);
    const processes = familyOfProcess(lab.pid ?? 0);
    expect(processes.length).toBeGreaterThan(1);
    process.kill(lab.pid ?? 0, "SIGKILL");
    for (let i = 0; i < 100 && processes.some(isThere); i++) await setTimeout(50);
    expect(processes.filter(isThere)).toEqual([]);
    await expect(lab.run("node/n1", "true")).rejects.toThrow("has ended");
  });

  test("tells what the kernel refuses", async () => {
    const { layout } = describeShop({ pods: "calico-ipip" });
    await expect(PacketLab.up(layout.network, () => undefined)).rejects.toThrow("VXLAN over IPv4 only");
  });
});
