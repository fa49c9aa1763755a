/** An ordinary user has labs, too, where the kernel lets them make user namespaces; elsewhere the reason is told. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { printNft } from "../../compiler/print.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { rulesInPieces } from "../../runtime/lab/rules-in-pieces.ts";
import { describeGrid } from "../support/grid-cluster.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EVERYTHING } from "../support/runs.ts";

const NOBODY = 65534;

/** As an ordinary user in any case; user namespaces of one are tried by themselves. */
const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

function missingUserNamespaces(): string | undefined {
  const { status, stderr, error } = spawnSync("unshare", ["-Ur", "true"], { encoding: "utf8", ...asUser });
  if (status === 0) return undefined;
  const reason = `an ordinary user has no user namespaces here: ${error?.message ?? stderr.trim()}`;
  process.stderr.write(`labs of an ordinary user are left out: ${reason}\n`);
  return reason;
}

describe.skipIf(kernelMissing !== undefined || missingUserNamespaces() !== undefined)(
  "a lab of an ordinary user",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "kpc-user-"));
    const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
    const file = join(folder, "lab.mjs");
    beforeAll(async () => {
      await build({
        input: path("../support/user-lab.ts"),
        platform: "node",
        output: { file, format: "esm", codeSplitting: false },
        logLevel: "silent",
      });
      copyFileSync(path("../../runtime/lab/helper.pl"), join(folder, "helper.pl"));
      chmodSync(folder, 0o755);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const run = (...size: readonly number[]): string => {
      const { stdout, stderr } = spawnSync(process.execPath, [file, ...size.map(String)], {
        encoding: "utf8",
        ...asUser,
      });
      return `${stdout}${stderr}`.trim();
    };
    const user = process.getuid?.() === 0 ? NOBODY : process.getuid?.();

    /** The rules of the second are too large for one transaction. */
    const sizes = [
      [2, 4, 3, 12],
      [2, 10, 1500, 100],
    ] as const;
    test.each(sizes.slice(0, EVERYTHING ? 2 : 1))("%i nodes, %i pods, %i Services", (nodes, pods, services, served) => {
      expect(run(nodes, pods, services)).toBe(`uid ${user}: ${served} served, 0 not`);
    });
  },
);

describe.skipIf(kernelMissing !== undefined)("rules in pieces", () => {
  test.runIf(EVERYTHING)("are what one transaction makes", async () => {
    const { layout, programOf } = describeGrid({ nodes: 2, pods: 6, services: 1200 });
    const [one, other] = ["node/n0", "node/n1"];
    const program = required(programOf(required(layout.network.hosts.get(one), "there is a node")), "it has rules");
    const pieces = rulesInPieces(program);
    expect(pieces.length).toBeGreaterThan(3);
    const lab = await PacketLab.up(layout.network, () => undefined);
    try {
      await lab.run(one, "nft -f -", printNft(program).text);
      for (const piece of pieces) await lab.run(other, "nft -f -", piece);
      const [whole, joined] = await Promise.all([one, other].map((host) => lab.run(host, "nft list ruleset")));
      const words = (text: string | undefined): string[] => (text ?? "").split(/[\s,]+/).sort();
      expect(words(whole).length).toBeGreaterThan(5000);
      expect(words(joined)).toEqual(words(whole));
    } finally {
      lab.close();
    }
  });
});

describe.skipIf(kernelMissing !== undefined)("without user namespaces", () => {
  test("the reason is told", () => {
    const forbid = "echo 0 > /proc/sys/user/max_user_namespaces";
    const script = `${forbid} && exec setpriv --bounding-set=-all --inh-caps=-all perl runtime/lab/helper.pl`;
    const { status, stderr } = spawnSync("unshare", ["-Ur", "sh", "-c", script], { input: "", encoding: "utf8" });
    expect(stderr).toBe("unshare: No space left on device; user.max_user_namespaces=0\n");
    expect(status).not.toBe(0);
  });
});
