/** The classifier's table says of each packet what the evaluator says, or there is no table. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printDisposition } from "../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { verdictOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, FAMILIES, parseAddress } from "../../compiler/net/address.ts";
import { printTable } from "../../compiler/print.ts";
import { TableAsked } from "../../runtime/classifier/engine.ts";
import { aimAt } from "../support/aimed.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { mustReadIptables, mustReadNft, readNftText } from "../support/read.ts";
import { runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

const ADDRESSES = ["192.168.0.2", "10.0.0.5", "2001:db8::1"].map((text) => parseAddress(text) as Address);
const INTERFACES = [undefined, "eth0", "cni0", "cni12", "lo"];

/** What becomes of a packet, without the rules that led to it. */
function summary({ results, assumptions }: Outcome): unknown {
  const chances = new Map<string, number>();
  for (const result of results) {
    const text = `${verdictOf(result)}: ${printDisposition(result.disposition)}`;
    chances.set(text, (chances.get(text) ?? 0) + result.probability);
  }
  return { assumptions, chances: [...chances].map(([text, chance]) => `${text} ${chance.toFixed(6)}`).sort() };
}

/** Holds the table of `program` against its evaluation; false: there is no table. */
function agree(program: Program, text: string, seed: number, count = 150): boolean {
  const { table, unsupported } = printTable(program, ADDRESSES);
  if (table === undefined) {
    expect(unsupported).not.toEqual([]);
    return false;
  }
  const asked = new TableAsked(table);
  const evaluator = new Evaluator(program);
  const environment = environmentOf(ADDRESSES);
  const pick = numbersFrom(seed);
  const packetFor = aimAt(text, { families: FAMILIES, interfaces: INTERFACES, own: ADDRESSES });
  for (let i = 0; i < count; i++) {
    const { ctState: _, ...packet } = packetFor(text, pick);
    const wanted = evaluator.evaluateWhole(packet, environment).map(summary);
    expect({ packet, outcomes: [summary(asked.outcome(packet))] }).toEqual({ packet, outcomes: wanted });
  }
  return true;
}

// --- rules that a table may hold -----------------------------------------------------------------------------------------

/** What asks for one thing that tables know, or that evaluation settles for all packets. */
const MATCHES = [
  "ct state new",
  "ct state invalid",
  "ct state untracked",
  "ct state != new",
  "ct status dnat",
  "ct status & dnat == 0",
  "ct direction original",
  "ct mark 0x1",
  "meta mark 0x1",
  "meta mark & 0x3 != 0",
  'iifname "cni*"',
  'iifname != "eth0"',
  "meta l4proto tcp",
  "meta l4proto != udp",
  "ip daddr 192.168.0.2 tcp dport 80",
  "ip daddr 203.0.113.0/24",
  "ip daddr 203.0.113.7 udp dport 53",
  "ip daddr != 10.0.0.0/8",
  "ct original ip daddr 192.168.0.2",
  "ct reply ip saddr 198.51.100.7",
  "ip saddr 10.180.0.0/16",
  "fib daddr type local",
  "fib daddr type local tcp dport 8443",
  "fib saddr type local",
  "ip daddr . meta l4proto . th dport { 203.0.113.7 . tcp . 443, 192.168.0.2 . udp . 53 }",
] as const;

const VERDICT_MAPS = [
  "ip daddr vmap { 203.0.113.9 : jump a }",
  "meta l4proto . th dport vmap { tcp . 80 : jump a, udp . 53 : drop }",
] as const;

const EFFECTS = [
  "drop",
  "drop",
  "accept",
  "reject",
  "jump a",
  "goto a",
  "return",
  "counter",
  "meta mark set 0x1",
  "meta mark set meta mark or 0x2",
  "ct mark set meta mark",
  "notrack",
] as const;

const TO = ["dnat to 198.51.100.7:8443", "dnat to 203.0.113.7"] as const;

const HOOKS = [
  ...["-400", "-300", "-201", "-200", "-150", "-100"].map((priority) => ["filter", "prerouting", priority] as const),
  ...["-300", "-150", "0"].map((priority) => ["filter", "output", priority] as const),
  ...["input", "forward", "postrouting"].map((hook) => ["filter", hook, "0"] as const),
];

const rule = fc
  .tuple(fc.array(fc.constantFrom(...MATCHES), { maxLength: 2 }), fc.constantFrom(...EFFECTS, ...VERDICT_MAPS))
  .map(([matches, effect]) => [...matches, effect].join(" "));

const rules = fc.array(rule, { maxLength: 2 });

const holdable = fc
  .record({
    a: fc.array(
      rule.filter((each) => !/\ba\b/.test(each) && !each.includes("notrack")),
      { maxLength: 2 },
    ),
    chains: fc.uniqueArray(fc.record({ at: fc.constantFrom(...HOOKS), rules, drops: fc.nat({ max: 9 }) }), {
      selector: ({ at }) => at.join(),
      maxLength: 3,
    }),
    to: fc.array(
      fc.tuple(
        fc.constantFrom(
          "ip daddr 203.0.113.9 tcp dport 443",
          "meta l4proto tcp ct mark 0",
          "ip daddr 192.168.0.2 tcp dport 80",
        ),
        fc.constantFrom(...TO),
      ),
      {
        maxLength: 1,
      },
    ),
    from: fc.array(
      fc.constantFrom("ct status dnat", "meta mark 0x1", "ip saddr 10.180.0.0/16", "fib daddr type local", ""),
      {
        maxLength: 1,
      },
    ),
  })
  .map(({ a, chains, to, from }) => {
    const block = (head: string, lines: readonly string[]): string => `  chain ${head}\n${lines.join("\n")}\n  }\n`;
    const early = (at: readonly string[], lines: readonly string[]): readonly string[] =>
      at[1] === "prerouting" || at[1] === "output"
        ? lines.filter((line) => !line.includes("reject"))
        : lines.filter((line) => !line.includes("notrack") && (at[1] !== "postrouting" || !line.includes("reject")));
    return `table ip t {
${block(
  "a {",
  a.filter((line) => !line.includes("reject")),
)}${chains
  .map(({ at, rules: lines, drops }, i) =>
    block(
      `c${i} { type ${at[0]} hook ${at[1]} priority ${at[2]}; policy ${drops === 0 ? "drop" : "accept"};`,
      early(at, lines),
    ),
  )
  .join("")}${block(
  "dnat { type nat hook prerouting priority -100; policy accept;",
  to.map((parts) => parts.join(" ")),
)}${block(
  "snat { type nat hook postrouting priority 100; policy accept;",
  from.map((match) => `${match} masquerade`),
)}}
`;
  });

describe("a table says what the evaluator says", () => {
  test("of rules of which a table can hold many", () => {
    let held = 0;
    const count = runs(300);
    fc.assert(
      fc.property(holdable, fc.integer(), (text, seed) => {
        const { program, findings } = readNftText(text);
        fc.pre(findings.length === 0); // two protocols tested in one rule
        if (agree(program, text, seed, 60)) held++;
      }),
      { numRuns: count },
    );
    expect(held).toBeGreaterThan(count / 4);
  });

  test("of rules that others write for nft", () => {
    fc.assert(
      fc.property(foreignNft, fc.constantFrom("mangle", "raw", "-350"), fc.integer(), (text, priority, seed) => {
        const early = text.replace("hook prerouting priority mangle", `hook prerouting priority ${priority}`);
        agree(mustReadNft(early), early, seed);
      }),
      { numRuns: runs(60) },
    );
  });

  test("of rules that others write for iptables", () => {
    fc.assert(
      fc.property(foreignIptables, fc.integer(), (text, seed) => {
        agree(mustReadIptables(text, "ip"), text, seed);
      }),
      { numRuns: runs(60) },
    );
  });

  test.each([
    [
      "a new connection before connection tracking",
      "filter hook prerouting priority -300",
      "ct state new drop",
      "pass",
    ],
    [
      "an invalid packet before connection tracking",
      "filter hook prerouting priority -300",
      "ct state invalid drop",
      "drop",
    ],
    ["a new connection after connection tracking", "filter hook prerouting priority -150", "ct state new drop", "drop"],
    [
      "a connection's mark before connection tracking",
      "filter hook prerouting priority -300",
      "ct mark 0 drop",
      "pass",
    ],
    ["packets that are kept out", "filter hook prerouting priority -300", "notrack; ct state untracked drop", "drop"],
  ])("of %s", (_, hook, lines, wanted) => {
    const text = `table ip t { chain c { type ${hook}; ${lines}; } }`;
    const program = mustReadNft(text);
    expect(agree(program, text, 5)).toBe(true);
    const packet = {
      ...{ protocol: 6, sourcePort: 40000, destinationPort: 80, inInterface: "eth0", mark: 0 },
      ...{ source: parseAddress("203.0.113.5") as Address, destination: parseAddress("192.168.0.2") as Address },
    };
    const { table } = printTable(program, ADDRESSES);
    expect(new TableAsked(table as Uint8Array).outcome(packet).verdict).toBe(wanted);
  });

  test.each([
    ["a source that a rule gives", "nat hook postrouting priority 100", "snat to 198.51.100.9"],
    ["source ports", "filter hook input priority 0", "tcp sport 80 drop"],
    ["limit rate", "filter hook input priority 0", "limit rate 1/second drop"],
  ])("or none, because of %s", (reason, hook, lines) => {
    const program = mustReadNft(`table ip t { chain c { type ${hook}; ${lines}; } }`);
    const { table, unsupported } = printTable(program, ADDRESSES);
    expect(table).toBeUndefined();
    expect(unsupported.map(({ message }) => message).join("; ")).toContain(reason);
  });
});
