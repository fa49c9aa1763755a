/** Random rules that are not ours, as texts of nft and iptables. */
import fc from "fast-check";

/** Matches of nft whose meaning is easily mistaken, and the ordinary ones around them. */
const NFT_MATCHES = [
  // Of these keys a part is not known: by where packets go out.
  'ip saddr . oifname { 10.180.0.7 . "none", 192.0.2.1 . "eth0" }',
  'iifname . oifname != { "none" . "eth0", "cni0" . "none" }',
  "ip saddr 10.180.0.0/16",
  "ip saddr != { 10.180.0.7, 203.0.113.0/24 }",
  "ip saddr & 255.0.255.0 == 10.0.0.0",
  "ip daddr 192.168.0.2",
  "ip daddr != 192.168.0.0/16",
  "tcp dport 80",
  "tcp dport != { 80, 443 }",
  "udp dport 53-80",
  "th dport < 443",
  "meta l4proto != tcp",
  "ip protocol tcp",
  'iifname "cni*"',
  'iifname != { "eth*", "lo" }',
  "ct state new",
  "ct state != new",
  "ct state ! new",
  "ct state { new, established }",
  "ct state == new,established",
  "ct state new,established",
  "ct state untracked",
  "ct status & dnat == 0",
  "ct status dnat",
  "ct status != dnat",
  "ct original ip daddr 192.168.0.2",
  "ct direction original",
  "meta mark & 0x3 == 0x1",
  "meta mark & 0x3 != 0x0",
  "meta mark != 0x2",
  "tcp flags syn",
  "tcp flags syn,ack",
  "tcp flags == syn,ack",
  "tcp flags & (syn | ack) == syn",
  "tcp flags != syn / syn,ack",
  "tcp flags ! ack",
  "fib daddr type local",
  "fib saddr type != { local, unicast }",
  "ip saddr . tcp dport { 10.180.0.7 . 80, 203.0.113.0/24 . 1-443 }",
  "ip saddr . ip daddr != @pairs",
  "ip daddr @blocks",
] as const;

const NFT_EFFECTS = [
  "accept",
  "drop",
  "return",
  "continue",
  "jump a",
  "goto a",
  "jump b",
  "goto b",
  "counter",
  "reject",
  "reject with icmp admin-prohibited",
  "meta mark set 0x1",
  "meta mark set meta mark or 0x2",
  "meta mark set meta mark and 0x1 xor 0x3",
  "ct mark set meta mark meta mark set ct mark",
  "ip daddr vmap { 192.168.0.2 : drop, 198.51.100.0/24 : goto b }",
  "ct state vmap { new : jump b, established : drop }",
  "meta mark vmap { 0x1 : return, 0x3 : drop }",
  "jump { tcp dport 80 return; udp dport 53 accept; }",
] as const;

/** The same for iptables; `-p` stands in front of what needs it. */
const IPTABLES_MATCHES = [
  "-s 10.180.0.0/16",
  "! -s 203.0.113.0/24",
  "-s 10.0.0.0/255.0.255.0",
  "-d 192.168.0.2",
  "-p tcp --dport 80",
  "-p tcp -m multiport ! --dports 80,443",
  "-p tcp -m multiport --ports 80,443",
  "-p udp -m multiport --ports 80,1024:65535",
  "-p tcp -m multiport ! --ports 80,8443",
  "-p udp --dport 53:80",
  "! -p tcp",
  "-i cni+",
  "! -i eth0",
  "-m conntrack --ctstate NEW",
  "-m conntrack ! --ctstate NEW",
  "-m state --state ESTABLISHED,UNTRACKED",
  "-m conntrack --ctstate DNAT",
  "-m conntrack ! --ctstate DNAT",
  "-m conntrack --ctstate INVALID,RELATED,DNAT",
  "-m conntrack --ctorigdst 192.168.0.2 --ctproto 6",
  "-m conntrack --ctstatus NONE -m conntrack --ctdir ORIGINAL",
  "-m mark --mark 0x1/0x3",
  "-m mark ! --mark 0x2",
  "-p tcp --syn",
  "-p tcp ! --tcp-flags SYN,ACK SYN",
  "-p tcp --tcp-flags ALL NONE",
  "-m addrtype --dst-type LOCAL",
  "-m addrtype ! --src-type LOCAL,UNICAST",
  "-m iprange --src-range 10.180.0.5-203.0.113.5",
  "-m comment --comment x",
] as const;

const IPTABLES_EFFECTS = [
  "-j ACCEPT",
  "-j DROP",
  "-j RETURN",
  "-j a",
  "-g a",
  "-j b",
  "-g b",
  "",
  "-j REJECT",
  "-j REJECT --reject-with icmp-admin-prohibited",
  "-j MARK --set-mark 1",
  "-j MARK --or-mark 2",
  "-j MARK --set-xmark 0x1/0x2",
  "-j MARK --and-mark 0x2",
  "-j CONNMARK --save-mark",
  "-j CONNMARK --restore-mark",
] as const;

const few = (texts: readonly string[], max: number): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...texts), { maxLength: max });

function rulesOf(
  matches: readonly string[],
  effects: readonly string[],
  without: RegExp,
  maxLength = 4,
): fc.Arbitrary<string[]> {
  const allowed = effects.filter((effect) => !without.test(effect));
  const one = fc.tuple(few(matches, 2), fc.constantFrom(...allowed)).map((parts) => parts.flat().join(" "));
  return fc.array(one, { maxLength });
}

/** Chains of a host's rules. Chain `a` may lead on to `b`. Early chains accept nothing: that would not be seen. */
function chainsOf(matches: readonly string[], effects: readonly string[]): fc.Arbitrary<ForeignChains> {
  const to = / a\b|jump a|goto a/;
  return fc.record({
    early: rulesOf(matches, effects, /\b(a|b)\b|accept|ACCEPT|reject|REJECT|vmap|jump/),
    notrack: fc.boolean(),
    translate: fc.boolean(),
    input: rulesOf(matches, effects, /^$/, 5),
    forward: rulesOf(matches, effects, /^$/, 5),
    a: rulesOf(matches, effects, to),
    b: rulesOf(matches, effects, new RegExp(`${to.source}|\\bb\\b`)),
  });
}

interface ForeignChains {
  readonly early: readonly string[];
  readonly notrack: boolean;
  readonly translate: boolean;
  readonly input: readonly string[];
  readonly forward: readonly string[];
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** A ruleset as somebody could have written it for nft, which takes no two transport protocols in one rule. */
export const foreignNft: fc.Arbitrary<string> = chainsOf(NFT_MATCHES, NFT_EFFECTS).map((chains) => {
  const isOne = (line: string): boolean => {
    const rule = line.replace(/jump \{.*/, "");
    return !(rule.includes("udp dport") && /tcp (dport|flags)|protocol tcp/.test(rule));
  };
  const block = (head: string, lines: readonly string[]): string =>
    `\t${head} {\n${lines
      .filter(isOne)
      .map((line) => `\t\t${line}\n`)
      .join("")}\t}\n`;
  return `table ip t {
	set pairs { type ipv4_addr . ipv4_addr; elements = { 10.180.0.7 . 192.168.0.2 }; }
	set blocks { type ipv4_addr; flags interval; elements = { 192.168.0.0/16, 198.51.100.7 }; }
${[
  block("chain b", chains.b),
  block("chain a", chains.a),
  block("chain raw", [
    "type filter hook prerouting priority raw; policy accept;",
    ...(chains.notrack ? ["udp dport 53 notrack"] : []),
  ]),
  block("chain early", ["type filter hook prerouting priority mangle; policy accept;", ...chains.early]),
  block("chain nat", [
    "type nat hook prerouting priority dstnat; policy accept;",
    ...(chains.translate ? ["ip daddr 192.168.0.2 tcp dport 443 dnat to 198.51.100.7:8443"] : []),
  ]),
  block("chain input", ["type filter hook input priority filter; policy accept;", ...chains.input]),
  block("chain forward", ["type filter hook forward priority filter; policy accept;", ...chains.forward]),
].join("")}}
`;
});

/** The same for iptables. Two tests of the protocol do not go into one rule. */
export const foreignIptables: fc.Arbitrary<string> = chainsOf(IPTABLES_MATCHES, IPTABLES_EFFECTS).map((chains) => {
  const lines = (chain: string, rules: readonly string[]): string[] =>
    rules
      .filter(
        (rule) =>
          (rule.match(/-p /g) ?? []).length < 2 && !/-s .*-s |-d .*-d |-i .*-i |-j CONNMARK.*CONNMARK/.test(rule),
      )
      .map((rule) => `-A ${chain} ${rule}`.trimEnd());
  return [
    "*raw",
    ...(chains.notrack ? ["-A PREROUTING -p udp --dport 53 -j NOTRACK"] : []),
    "COMMIT",
    "*mangle",
    ...lines("PREROUTING", chains.early),
    "COMMIT",
    "*nat",
    ...(chains.translate
      ? ["-A PREROUTING -d 192.168.0.2 -p tcp --dport 443 -j DNAT --to-destination 198.51.100.7:8443"]
      : []),
    "COMMIT",
    "*filter",
    ":a - [0:0]",
    ":b - [0:0]",
    ...lines("a", chains.a),
    ...lines("b", chains.b),
    ...lines("INPUT", chains.input),
    ...lines("FORWARD", chains.forward),
    "COMMIT",
    "",
  ].join("\n");
});
