/** A HAProxy that follows changes: no request fails, none is served by another backend than before or after the change. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { inFolder, kpc } from "../support/cli.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { serversOf, updateHaproxy } from "../support/ingress-updates.ts";
import { EVERYTHING } from "../support/runs.ts";

describe.skipIf(haproxyMissing !== undefined)("updates under load", () => {
  test("lose no request, and what runs in the end is what the files say", async () => {
    const updates = EVERYTHING ? 300 : 25;
    const { counts, wrong, runs, disk } = await updateHaproxy({ updates, clients: 8, seed: 4, spares: 20 });
    expect(wrong).toEqual([]);
    expect(counts.requests).toBeGreaterThan(updates);
    expect(counts.tls).toBeGreaterThan(0);
    expect(counts["at-run-time"]).toBeGreaterThan(updates / 2);
    expect(runs.maps).toEqual(disk.maps);
    expect(runs.servers).toEqual(serversOf(disk.config));
  });
});

const KPC = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;
const SHOP = new URL("../../examples/shop/manifests", import.meta.url).pathname;

/** Runs a shell script beside `kpc ingress run m -d d`. In it, `said TEXT` waits until kpc has said that, `status PATH` asks HAProxy. */
function beside(script: string): { readonly lines: readonly string[]; readonly said: string } {
  return inFolder({}, (folder) => {
    const text = `cd ${folder} && cp -r ${SHOP} m && ip link set lo up
start() { ${process.execPath} ${KPC} ingress run m -d d >> said 2>&1 & kpc=$!; }
said() { for i in $(seq 600); do grep -q -- "$1" said && return; sleep 0.1; done; echo "kpc did not say $1"; }
status() { curl -s -o /dev/null -w '%{http_code}\\n' -H 'Host: shop.example.com' "http://127.0.0.1$1"; }
touch said; start; said "started HAProxy$"
${script}
kill $kpc; wait $kpc; echo "exit code $?"; kill -0 $(cat d/haproxy.pid) 2> /dev/null && echo "haproxy runs"`;
    const [program, ...args] = namespaceCommand(["bash", "-c", text]);
    const { stdout } = spawnSync(program, args, { encoding: "utf8", env: toolEnvironment() });
    return { lines: stdout.trimEnd().split("\n"), said: readFileSync(join(folder, "said"), "utf8") };
  });
}

describe.skipIf(haproxyMissing !== undefined)("kpc ingress run", () => {
  test("follows files, also after mistakes in them; ends with HAProxy", () => {
    const { lines, said } =
      beside(`sed -i 's/shop.example.com/new.example.com/' m/ingress.yaml; said "rows\\? added"; status /
echo 'kind: {' > m/broken.yaml; said "broken.yaml:"; status /
rm m/broken.yaml; sed -i 's/new.example.com/shop.example.com/' m/ingress.yaml; 
for i in $(seq 600); do [ "$(grep -c updated said)" = 2 ] && break; sleep 0.1; done; status /`);
    // 404 without the host, 503 where no pod of the example answers.
    expect(lines).toEqual(["404", "404", "503", "exit code 0"]);
    expect(said).toMatch(/^updated HAProxy: 3 rows added, 3 rows removed$/m);
  });

  test.runIf(EVERYTHING)("starts HAProxy again where it was killed, and takes over the one of a kpc that was", () => {
    const { lines, said } = beside(`kill -9 $(cat d/haproxy.pid); said "started HAProxy again"; status /
kill -9 $kpc; wait $kpc; status /; start; said "reloaded HAProxy: it ran before"; status /`);
    expect(lines).toEqual(["503", "503", "503", "exit code 0"]);
    expect(said).not.toContain("refuses");
  });

  test("needs files that can be read again", () => {
    expect(kpc(["ingress", "run", "-", "-d", "d"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("found -"),
    });
    expect(kpc(["ingress", "run", "m"])).toMatchObject({ code: 2, stderr: expect.stringContaining("-d, --directory") });
  });
});
