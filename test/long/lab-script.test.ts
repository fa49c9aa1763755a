/** The script of `kpc lab up --dry-run`, run by a shell, builds the network: packets arrive, and a node's files give back the description. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COLLECT_SCRIPT } from "../../compiler/hostfiles/collect.ts";
import { required } from "../../compiler/invariant.ts";
import { kpcProcess } from "../support/cli.ts";
import { readHost } from "../support/host-files.ts";
import { inNamespace, kernelMissing } from "../support/kernel.ts";

const SERVE = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0:8081", Listen => 5, ReuseAddr => 1) or die $!; while (my $c = $s->accept) { print $c "saw " . $c->peerhost; close $c }`;
const ASK = `use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 5) or die "no answer"; print <$s>`;

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("scripts of labs are not run: they need root\\n");

describe.skipIf(kernelMissing !== undefined || !isRoot)("kpc lab up --dry-run", () => {
  test("builds the network", async () => {
    const { code, stdout } = kpcProcess(["lab", "up", "examples/shop", "--dry-run", "-q"]);
    expect(code).toBe(0);
    const folder = mkdtempSync(join(tmpdir(), "kpc-lab-script-"));
    // In a file: it is longer than what an argument of a program may have.
    const script = join(folder, "lab.sh");
    writeFileSync(
      script,
      `${stdout}
set +e
for pod in api-1 api-2; do ip netns exec pod.shop.$pod perl -e '${SERVE}' > /dev/null 2>&1 & pids="$pids $!"; done
sleep 0.5
ip netns exec pod.shop.web-1 perl -e '${ASK}' 10.96.0.20:80; echo
ip netns exec pod.shop.web-2 perl -e '${ASK}' 10.96.0.20:80; echo
ip netns exec outside.client perl -e '${ASK}' 192.168.50.11:30123 2>&1 | cut -c1-9
folder=$(mktemp -d)
ip netns exec node.node-2 sh -s "$folder" <<'END'
${COLLECT_SCRIPT}
END
cd "$folder"; for file in *; do echo "@@file $file"; cat $file; done; cd /; rm -rf "$folder"
kill $pids
`,
    );
    const { output } = await inNamespace(`exec unshare -m sh -e ${script}`);
    rmSync(folder, { recursive: true });
    const [before = "", ...files] = output.split(/^@@file .*\n/m);
    expect(before.trim().split("\n")).toEqual(["saw 10.244.1.10", "saw 10.244.2.10", "no answer"]);
    const host = readHost(files);
    const names = host.interfaces.map(({ name }) => name).sort();
    expect(names).toEqual(["cni0", "eth0", "lo", "veth-proxy-2", "veth-web-2"]);
    const routes = required(host.routing.IPv4.tables["main"], "main");
    expect(routes.filter(({ isAutomatic }) => isAutomatic !== true)).toHaveLength(2);
    expect(host.bridgeNetfilter.IPv4).toBe(true);
  });
});
