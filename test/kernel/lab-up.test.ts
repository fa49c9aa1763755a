/** `kpc lab up` answers lines, follows what people change, and leaves nothing behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { kpcProcess } from "../support/cli.ts";
import { kernelMissing } from "../support/kernel.ts";
import { readPcapng } from "../support/pcapng.ts";
import { EVERYTHING } from "../support/runs.ts";

const SHOP = "examples/shop";

/** A process that has ended and was not waited for yet is gone as well. */
async function untilGone(pid: number | undefined): Promise<void> {
  const isThere = (): boolean => existsSync(`/proc/${pid}/fd/0`);
  for (let i = 0; i < 1000 && isThere(); i++) await setTimeout(50);
  expect(isThere()).toBe(false);
}

describe.skipIf(kernelMissing !== undefined)("kpc lab up", () => {
  const runtime = mkdtempSync(join(tmpdir(), "kpc-runtime-"));
  afterAll(() => rmSync(runtime, { recursive: true }));

  const lab = (words: readonly string[], lines: readonly string[] = []): ReturnType<typeof kpcProcess> =>
    kpcProcess(["lab", ...words], {
      input: lines.map((line) => `${line}\n`).join(""),
      env: { XDG_RUNTIME_DIR: runtime },
    });

  test("answers lines of a pipe; predictions follow settings, routes and rules that are changed", () => {
    const file = join(runtime, "seen.pcapng");
    const { code, stdout, stderr } = lab(
      ["up", "-q", SHOP],
      [
        "ask tcp web-1 > svc/api:http",
        "exec pod/shop/web-1 -- curl -s --max-time 5 http://10.96.0.20",
        "set node/node-1 bridge-nf 0",
        "walk tcp web-1 > svc/api:http",
        "ask tcp web-1 > svc/api:http",
        "exec node/node-1 -- ip route del 10.244.2.0/24",
        "ask tcp web-1 > pod/shop/web-2:8080",
        `exec node/node-2 -- nft add table ip own '{ chain f { type filter hook forward priority 0; ip daddr 10.244.2.10 drop; }; }'`,
        "ask tcp outside/client > pod/shop/web-2:8080",
        `pcap ${file}`,
        "quit",
      ],
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^pod\/shop\/api-[12] saw 10\.244\.1\.10 \d+$/m);
    expect(stdout).toContain("[bridge-netfilter-off]");
    const heads = stdout.split("\n").filter((line) => /^[=!] .*: /.test(line));
    expect(heads).toEqual([
      expect.stringMatching(/^= 1 in 2: .*, answered$/),
      expect.stringMatching(/^= 1 in 2: .*; answer lost: pod\/shop\/web-1 expects an answer from 10\.96\.0\.20:80/),
      "= gateway: lost: no route to 10.244.2.10: net-unreachable is sent, and does not reach the sender",
      expect.stringMatching(/^= gateway: lost: no route|^= node\/node-2: dropped/),
    ]);
    expect(stdout).not.toMatch(/^!/m);
    expect(code).toBe(0);
    expect(readPcapng(readFileSync(file)).packets.length).toBeGreaterThan(50);
    expect(readdirSync(join(runtime, "kpc"))).toEqual([]);
  });

  test("says what is wrong with a line", () => {
    const lines = [
      "aks x",
      "ask tcp web-9 > svc/api:http",
      "ask",
      "set node/node-1 bridge-fn 0",
      "set node-1 forwarding on",
      "exec svc/api -- true",
      "shell node/node-1",
      "pcap",
    ];
    const { code, stderr } = lab(["up", "-q", SHOP], lines);
    expect(code).toBe(2);
    for (const text of [
      "no command aks, did you mean ask?",
      "web-9 is not in the input, did you mean pod/shop/web-1?",
      "expected a flow, such as",
      "no setting bridge-fn, did you mean bridge-nf?",
      "expected a number behind forwarding, found on",
      "svc/shop/api is no host of the lab",
      "a shell needs a terminal",
      "expected pcap FILE",
    ])
      expect(stderr).toContain(text);
  });

  test.runIf(EVERYTHING)(
    "stays behind with --detach, is listed, entered and taken down, and leaves nothing",
    async () => {
      expect(lab(["up", "-q", "--detach", "--name", "one", SHOP])).toMatchObject({ code: 0, stdout: "one\n" });
      const [info] = JSON.parse(lab(["list", "-o", "json"]).stdout) as { name: string; pid: number; hosts: number }[];
      expect(info).toMatchObject({ name: "one", hosts: 13 });
      expect(lab(["up", "-q", "--name", "one", SHOP]).stderr).toContain("a lab one is running already");
      const exec = ["enter", "one", "exec", "pod/shop/web-1", "--", "sh", "-c", "echo 'a  b'; exit 3"];
      expect(lab(exec)).toMatchObject({ code: 1, stdout: "a  b\n" });
      expect(lab(["enter", "one", "ask", "tcp web-1 > svc/api:http"])).toMatchObject({ code: 0 });
      expect(lab(["enter", "one"], ["walk tcp web-1 > svc/api:http"]).stdout).toContain("=> delivered to port 8081");
      expect(lab(["down", "one"])).toMatchObject({ code: 0, stderr: "" });
      await untilGone(info?.pid);
      expect(readdirSync(join(runtime, "kpc"))).toEqual([]);
      expect(lab(["down", "one"])).toMatchObject({ code: 2, stderr: "kpc: no lab one is running\n" });
    },
  );

  test.runIf(EVERYTHING)("is forgotten when it is killed", async () => {
    lab(["up", "-q", "--detach", "--name", "two", SHOP]);
    const [info] = JSON.parse(lab(["list", "-o", "json"]).stdout) as { pid: number }[];
    process.kill(info?.pid ?? 0, "SIGKILL");
    await untilGone(info?.pid);
    expect(lab(["list"])).toMatchObject({ code: 0, stdout: "" });
    expect(readdirSync(join(runtime, "kpc"))).toEqual([]);
  });
});
