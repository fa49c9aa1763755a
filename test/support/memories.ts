/** Rulesets that fill sets and lists, and ask them. */
import fc from "fast-check";

const KEYS = ["ip saddr", "ip daddr"] as const;
const SETS = ["d", "e"] as const;

const step: fc.Arbitrary<string> = fc
  .record({ key: fc.constantFrom(...KEYS), set: fc.constantFrom(...SETS), rest: fc.nat(6) })
  .map(({ key, set, rest }) => {
    switch (rest) {
      case 0:
        return `${key} @${set} drop`;
      case 1:
        return `${key} != @${set} reject`;
      case 2:
        return `delete @${set} { ${key} }`;
      case 3:
        return `${key} @${set} accept`;
      case 4:
        return `update @${set} { ${key} }`;
      default:
        return `add @${set} { ${key} }`;
    }
  });

const rule: fc.Arbitrary<string> = fc
  .record({ port: fc.constantFrom("", "udp dport 53 ", "udp dport 80 "), own: step })
  .map(({ port, own }) => `${port}${own}`);

/** For nft. */
export const rememberingNft: fc.Arbitrary<string> = fc.array(rule, { minLength: 2, maxLength: 6 }).map(
  (rules) => `table ip t {
	set d { type ipv4_addr; flags dynamic; elements = { 203.0.113.6 }; }
	set e { type ipv4_addr; flags dynamic; }
	chain c {
		type filter hook forward priority 0; policy accept;
${rules.map((each) => `\t\t${each}\n`).join("")}	}
}
`,
);

const RECENT = [
  "-m recent --set --name R",
  "-m recent --rcheck --name R",
  "-m recent ! --rcheck --name R",
  "-m recent --update --name S",
  "-m recent --set --name S",
];

/** The same for iptables. */
export const rememberingIptables: fc.Arbitrary<string> = fc
  .array(
    fc
      .record({
        port: fc.constantFrom("", "-p udp --dport 53 ", "-p udp --dport 80 "),
        own: fc.constantFrom(...RECENT),
        target: fc.constantFrom("", " -j DROP", " -j ACCEPT"),
      })
      .map(({ port, own, target }) => `-A FORWARD ${port}${own}${target}`),
    { minLength: 2, maxLength: 6 },
  )
  .map((rules) => ["*filter", ":FORWARD ACCEPT [0:0]", ...rules, "COMMIT", ""].join("\n"));
