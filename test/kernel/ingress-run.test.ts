/** A HAProxy that follows changes: no request fails, none is served by another backend than before or after the change. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runConfig, whyTooOld } from "../../runtime/ingress/haproxy-process.ts";
import { namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { inFolder, kpc } from "../support/cli.ts";
import { haproxyMissing } from "../support/haproxy.ts";
import { serversOf, updateHaproxy } from "../support/ingress-updates.ts";
import { EVERYTHING } from "../support/runs.ts";

describe.skipIf(haproxyMissing !== undefined)("updates under load", () => {
  test("lose no request, and what runs in the end is what the files say", async () => {
    const updates = EVERYTHING ? 300 : 8;
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

/** Runs a shell script beside `kpc ingress run m -d d -c kpc.yaml`. In it, `said TEXT` waits until kpc has said that, `status PATH` asks HAProxy. */
function beside(script: string): { readonly lines: readonly string[]; readonly said: string } {
  return inFolder({ "kpc.yaml": settings("{}") }, (folder) => {
    const text = `cd ${folder} && cp -r ${SHOP} m && ip link set lo up
start() { ${process.execPath} ${KPC} ingress run m -d d -c kpc.yaml >> said 2>&1 & kpc=$!; }
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

function settings(haproxy: string): string {
  return `apiVersion: kpc.dev/v1alpha1\nkind: Config\nhaproxy: ${haproxy}\n`;
}

/** Asks again and again in the background; `lost` then prints how many requests had no answer, and whether there were many. */
const ASKING = `(while [ ! -e over ]; do [ "$(status /none)" = 000 ] && echo lost >> lost; echo . >> asked; done) & asking=$!
lost() { touch over; wait $asking; echo "lost $(cat lost 2> /dev/null | wc -l)"; [ $(wc -l < asked) -gt 20 ] && echo "asked many"; }`;

describe.skipIf(haproxyMissing !== undefined)("kpc ingress run", () => {
  test("follows files, also after mistakes in them; ends with HAProxy", () => {
    const { lines, said } =
      beside(`sed -i 's/shop.example.com/new.example.com/' m/ingress.yaml; said "rows\\? added"; status /
echo 'kind: {' > m/broken.yaml; said "broken.yaml:"; status /
rm m/broken.yaml; sed -i 's/new.example.com/shop.example.com/' m/ingress.yaml; 
for i in $(seq 600); do [ "$(grep -c updated said)" = 2 ] && break; sleep 0.1; done; status /`);
    // 404 without the host, 503 where no pod of the example answers.
    expect(lines).toEqual(["404", "404", "503", "exit code 0"]);
    expect(said).toMatch(/^updated HAProxy: 2 rows added, 2 rows removed$/m);
  });

  test.runIf(EVERYTHING)("starts HAProxy again where it was killed, and takes over the one of a kpc that was", () => {
    const { lines, said } = beside(`kill -9 $(cat d/haproxy.pid); said "started HAProxy again"; status /
kill -9 $kpc; wait $kpc; status /; start; said "reloaded HAProxy: it ran before"; status /`);
    expect(lines).toEqual(["503", "503", "503", "exit code 0"]);
    expect(said).not.toContain("refuses");
  });

  test.runIf(EVERYTHING)("has its folder for itself", () => {
    const { lines } =
      beside(`${process.execPath} ${KPC} ingress run m -d ./x/../d 2>&1 | sed 's/has .*/has d/'; status /
ln -s d link; ${process.execPath} ${KPC} ingress run m -d link 2>&1 | sed 's/has .*/has d/'`);
    const refused = "kpc: another kpc ingress run has d";
    expect(lines).toEqual([refused, "503", refused, "exit code 0"]);
  });

  test.runIf(EVERYTHING)("takes over without a request lost, also where HAProxy's socket was removed", () => {
    const { lines, said } =
      beside(`sed -i 's/shop.example.com/other.example.com/' m/ingress.yaml; said "rows\\? removed"
${ASKING}
kill -9 $kpc; wait $kpc; start; said "reloaded HAProxy: it ran before"
rm d/admin.sock; said "reloaded HAProxy: its socket for commands was gone"
sed -i 's/other.example.com/shop.example.com/' m/ingress.yaml; sleep 0.5
for i in $(seq 600); do [ "$(grep -c "^updated" said)" = 2 ] && break; sleep 0.1; done
lost; pgrep -x haproxy | wc -l`);
    expect(lines).toEqual(["lost 0", "asked many", expect.stringMatching(/^[2-4]$/), "exit code 0"]);
    expect(said).not.toContain("kpc:");
  });

  test.runIf(EVERYTHING)("keeps files and HAProxy as they were where another process has a port, and says so", () => {
    const wanted = settings('{metrics: "127.0.0.1:8404"}').replaceAll("\n", "\\n");
    const { lines, said } =
      beside(`${process.execPath} -e 'require("net").createServer().listen(8404, "127.0.0.1")' & other=$!
sleep 1; status /none; cp d/haproxy.cfg before; printf '${wanted}' > kpc.yaml; said "does not start with the new configuration"
for i in $(seq 100); do cmp -s before d/haproxy.cfg && break; sleep 0.1; done; cmp before d/haproxy.cfg; status /none
kill $other; wait $other; sed -i 's/shop.example.com/new.example.com/' m/ingress.yaml
said "reloaded HAProxy: with frontend metrics"; curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8404/metrics`);
    expect(lines).toEqual(["503", "503", "200", "exit code 0"]);
    expect(said).toContain("cannot bind socket (Address already in use) for [127.0.0.1:8404]");
  });

  test.runIf(EVERYTHING)("follows inputs that are swapped as a whole, as volumes of ConfigMaps are", () => {
    const { lines } = beside(`mkdir one; cp m/* one; rm -r m/*; cd m; ln -s ../one ..data
for file in ..data/*; do ln -s $file $(basename $file); done; cd ..
cp -r one two; sed -i 's/shop.example.com/new.example.com/' two/ingress.yaml; ln -s ../two m/..next; mv -T m/..next m/..data; rm -r one
said "2 rows added, 2 rows removed"; status /`);
    expect(lines).toEqual(["404", "exit code 0"]);
  });

  test("tells folders and versions of HAProxy that it cannot use", () => {
    expect(kpc(["ingress", "run", SHOP, "-d", "/sys"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cannot write into /sys"),
    });
    expect(() => runConfig('/tmp/a "b')).toThrow('has " ", which means something to HAProxy: choose another folder');
    expect(() => runConfig("/tmp/a,b")).toThrow('has ","');
    expect(() => runConfig(`/tmp/${"a".repeat(100)}`)).toThrow("sockets need a shorter one");
    expect(runConfig("/run/kpc-ingress_1.x")).toContain("stats socket /run/kpc-ingress_1.x/admin.sock mode 600");
    expect(whyTooOld("HAProxy version 2.4.22-0ubuntu0.22.04.1 2023/08/14")).toBe(
      "HAProxy 2.4.22-0ubuntu0.22.04.1 is installed: expected 2.6 or later",
    );
    expect(whyTooOld("HA-Proxy version 1.8.30 2021/04/12")).toContain("1.8.30");
    expect(whyTooOld("HAProxy version 2.6.12-1+deb12u4 2025/12/25 - https://haproxy.org/")).toBeUndefined();
    expect(whyTooOld("HAProxy version 3.0.1 2024")).toBeUndefined();
    expect(whyTooOld("nginx\n")).toContain("tells no version: nginx");
  });

  test("needs files that can be read again", () => {
    expect(kpc(["ingress", "run", "-", "-d", "d"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("found -"),
    });
    expect(kpc(["ingress", "run", "m"])).toMatchObject({ code: 2, stderr: expect.stringContaining("-d, --directory") });
  });
});
