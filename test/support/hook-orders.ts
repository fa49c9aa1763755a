/** Rulesets whose chains have hooks and priorities in common, in several tables. */
import fc from "fast-check";

/** What a chain does: some of it depends on what another one has done before. */
const EFFECTS: Readonly<Record<"forward" | "prerouting" | "nat", readonly string[]>> = {
  forward: [
    "udp dport 53 drop",
    "udp dport 53 reject",
    "meta l4proto tcp reject with icmp type host-unreachable",
    "ip saddr 10.180.0.0/16 drop",
    "meta mark set 3",
    "meta mark 3 drop",
    "tcp dport 80 reject with tcp reset",
  ],
  prerouting: ["meta mark set 3", "meta mark set 4", "meta mark 3 udp dport 80 drop", "meta mark 4 tcp dport 80 drop"],
  nat: [
    "ip daddr 198.51.100.7 udp dport 53 dnat to 10.180.0.9",
    "udp dport 53 dnat to 10.180.0.8",
    "tcp dport 80 dnat to 10.180.0.9:8080",
    "ip daddr 192.168.0.2 tcp dport 80 dnat to 10.180.0.7:80",
  ],
};

interface OrderedChain {
  readonly table: string;
  readonly kind: keyof typeof EFFECTS;
  readonly rules: readonly string[];
}

/** Of NAT the tables are of one family: a table of both asks for `dnat ip to`. */
const TABLES = ["ip one", "ip two", "inet three", "ip four"] as const;

const chain: fc.Arbitrary<OrderedChain> = fc
  .record({ table: fc.constantFrom(...TABLES), kind: fc.constantFrom("forward", "prerouting", "nat" as const) })
  .chain(({ table, kind }) =>
    fc.record({
      table: fc.constant(table),
      kind: fc.constant(kind as keyof typeof EFFECTS),
      rules: fc.array(fc.constantFrom(...EFFECTS[kind as keyof typeof EFFECTS]), { minLength: 1, maxLength: 2 }),
    }),
  );

const HOOKS: Readonly<Record<OrderedChain["kind"], string>> = {
  forward: "type filter hook forward priority 0",
  prerouting: "type filter hook prerouting priority -100",
  nat: "type nat hook prerouting priority -100",
};

function block({ table, kind, rules }: OrderedChain, name: string): string {
  const own = rules.map((rule) => (table.startsWith("inet") ? rule.replace("dnat to", "dnat ip to") : rule));
  return `table ${table} {\n\tchain ${name} {\n\t\t${HOOKS[kind]}; policy accept;\n${own.map((rule) => `\t\t${rule}\n`).join("")}\t}\n}\n`;
}

/** As a file that is loaded, which opens tables again and again. */
export const orderedFile: fc.Arbitrary<string> = fc
  .array(chain, { minLength: 2, maxLength: 6 })
  .map((chains) => `add table ip one\n${chains.map((each, i) => block(each, `c${i}`)).join("")}`);
