/** `kpc trace --live` in a network namespace: the kernel's own words about packets that really pass. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { UNTIL_ROUTED } from "../../runtime/kernel/world.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EVERYTHING, some } from "../support/runs.ts";

const KPC = new URL("../../dist/bin/kpc.cjs", import.meta.url).pathname;
const SHOP = new URL("../../examples/shop", import.meta.url).pathname;
const EXAMPLE = `${SHOP}/manifests -c ${SHOP}/kpc.yaml --node node-1`;

/** A host with a Service, and nobody who listens. */
const HOST = `
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.0.0.1/24 dev v0; ip addr add fd00::1/64 dev v0 nodad
ip link set v0 up; ip link set v1 up
ip route add default dev v0; ip -6 route add default dev v0
${UNTIL_ROUTED}
nft -f - <<'NFT'
table inet t {
  chain svc { counter; meta nfproto ipv4 meta l4proto { tcp, udp } dnat ip to 10.0.0.1:8080; meta l4proto tcp dnat ip6 to [fd00::1]:8080; }
  chain out { type nat hook output priority -100; ip daddr 10.96.0.10 th dport 80 goto svc; ip6 daddr fd00:96::10 tcp dport 80 goto svc; }
  chain f { type filter hook output priority 0; th dport 8080 accept; }
}
NFT
send() { timeout 1 bash -c "echo > /dev/$1" 2> /dev/null; }
`;

/** Runs `kpc trace --live PACKET`, calls `then` in the shell when it waits, and says what it printed and what is left. */
function live(packet: string, then: string, { host = HOST, before = "", wait = 20, inputs = "" } = {}) {
  const script = `${host}${before}
mkfifo /run/told
${process.execPath} ${KPC} trace --live '${packet}' ${inputs} --wait ${wait} > /run/out 2> /run/told & kpc=$!
exec 3< /run/told
read -r line <&3
case "$line" in *waiting*) ${then} ;; esac
cat <&3 > /run/rest & rest=$!; wait $kpc; code=$?; wait $rest
cat /run/out; echo "$line" >&2; cat /run/rest >&2
for i in 1 2 3 4 5 6 7 8 9 10; do nft list tables | grep -q kpc-trace || break; sleep 0.1; done
nft list tables
exit $code`;
  const [program, ...args] = namespaceCommand(["bash", "-c", script]);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env: toolEnvironment() });
  return { status, lines: stdout.trimEnd().split("\n"), stderr };
}

const missing = kernelMissing ?? (process.getuid?.() === 0 ? undefined : "not root");

describe.skipIf(missing !== undefined)("a packet of this host is told as predicted", () => {
  const packets = [
    ["tcp any > 10.96.0.10:80", "send tcp/10.96.0.10/80", "10.0.0.1:8080", "th dport 80"],
    ["udp 10.0.0.1 > 10.96.0.10:80", "send udp/10.96.0.10/80", "10.0.0.1:8080", "th dport 80"],
    ["tcp any > [fd00:96::10]:80", "send tcp/fd00:96::10/80", "[fd00::1]:8080", "tcp dport 80"],
  ] as const;

  test.each(some(packets, 1))("%s", (packet, then, to, match) => {
    const { status, lines } = live(packet, then);
    expect(lines.slice(1)).toEqual([
      "",
      expect.stringMatching(new RegExp(`^= inet t out  ip6? daddr \\S+ ${match} goto svc +seen: goto svc$`)),
      expect.stringMatching(/^= inet t svc {2}meta .*dnat .* +seen: accept$/),
      expect.stringMatching(/^= inet t f {4}th dport 8080 accept +seen: accept$/),
      "",
      `=> as predicted: sent to ${to}`,
      "table inet t",
    ]);
    expect(status).toBe(0);
  });

  test.runIf(EVERYTHING)("of a connection that is there already, it waits for the next one", () => {
    const open = "exec 9<> /dev/udp/10.96.0.10/80; echo a >&9; sleep 0.2";
    const { lines, status } = live("udp any > 10.96.0.10:80", "echo b >&9; sleep 0.5; send udp/10.96.0.10/80", {
      // Nobody refuses the first connection: it stays.
      before: `nft add chain inet t sink '{ type filter hook input priority 0; }'; nft add rule inet t sink udp dport 8080 drop\n${open}`,
    });
    expect(lines).toContain("=> as predicted: sent to 10.0.0.1:8080");
    expect(status).toBe(0);
  });
});

/** node-1 of the example, and one of its pods. */
const NODE = `
ip link set lo up
ip netns add pod; ip link add vp type veth peer name eth0 netns pod
ip addr add 10.244.1.1/24 dev vp; ip link set vp up
ip -n pod addr add 10.244.1.10/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via 10.244.1.1
ip neigh add 10.244.1.20 lladdr 02:00:00:00:00:20 dev vp; ip neigh add 10.244.1.21 lladdr 02:00:00:00:00:21 dev vp
sysctl -qw net.ipv4.ip_forward=1
send() { ip netns exec pod timeout 1 bash -c "echo > /dev/$1" 2> /dev/null; }
kpc_compile() { ${process.execPath} ${KPC} compile -q ${EXAMPLE} "$@"; }
`;

const LOADED = {
  nftables: "kpc_compile | nft -f -",
  "iptables-nft": "kpc_compile --mode iptables -o iptables | iptables-nft-restore --noflush",
};

describe.skipIf(missing !== undefined)("a pod's packet is told as predicted", () => {
  test.each(some(Object.entries(LOADED), 1))("by kpc's own rules in %s", (_, load) => {
    const { lines, status } = live("tcp pod/shop/web-1 > svc/shop/api:http", "send tcp/10.96.0.20/80", {
      host: `${NODE}${load}\n`,
      inputs: EXAMPLE,
    });
    expect(lines[0]).toMatch(
      /^tcp 10\.244\.1\.10:\d+ \(pod shop\/web-1 on node-1\) > 10\.96\.0\.20:80 \(Service shop\/api:http\), came in by vp$/,
    );
    expect(lines.filter((line) => line.startsWith("="))).toHaveLength(lines.indexOf("", 2) - 1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^=> as predicted: sent to 10\.244\.1\.2[01]:8081 \(pod shop\/api-[12] on node-1\)$/),
    );
    expect(status).toBe(0);
  });
});

describe.skipIf(missing !== undefined)("a packet of this host is not as predicted", () => {
  test.runIf(EVERYTHING)("where a rule was added since the rules were read", () => {
    const { lines, status } = live(
      "tcp any > 10.96.0.10:80",
      "nft insert rule inet t out ip daddr 10.96.0.10 drop; send tcp/10.96.0.10/80",
    );
    expect(lines).toContainEqual(expect.stringMatching(/^! inet t out .*seen: drop; not predicted$/));
    expect(lines).toContainEqual(expect.stringMatching(/^! inet t svc .*predicted, not seen$/));
    expect(lines.at(-2)).toBe("=> not as predicted: predicted to 10.0.0.1:8080, seen not translated");
    expect(status).toBe(1);
  });
});

describe.skipIf(missing !== undefined)("nothing is left", () => {
  test.runIf(EVERYTHING)("when no such packet comes", () => {
    const { status, stderr, lines } = live("tcp any > 10.96.0.10:80", "send tcp/10.96.0.10/81", { wait: 1 });
    expect(stderr).toContain("kpc: no such packet opened a connection through this host within 1 s\n");
    expect({ status, lines }).toEqual({ status: 2, lines: ["table inet t"] });
  });

  test.runIf(EVERYTHING).each(["INT", "KILL"])("when kpc is ended by SIG%s", (signal) => {
    const { lines, stderr } = live("tcp any > 10.96.0.10:80", `nft list tables; kill -${signal} $kpc`);
    expect(stderr).toMatch(/waiting for the packet/);
    if (signal === "INT") expect(stderr).toContain("kpc: interrupted before such a packet opened a connection");
    expect(lines).toEqual(["table inet t", expect.stringMatching(/^table inet kpc-trace-\d+$/), "table inet t"]);
  });
});
