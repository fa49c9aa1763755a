import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type PathStep, type Reason } from "../../../compiler/evaluate/packet.ts";
import { required } from "../../../compiler/invariant.ts";
import { partsOfKey } from "../../../compiler/ir/sets.ts";
import { type Address, parseAddress, printAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

/** What happens to a TCP packet from `source` to 10.96.0.10:80, a line a step. */
function pathOf(rules: string, source: string): string[] {
  const address = (text: string) => required(parseAddress(text), text);
  const [outcome] = new Evaluator(mustReadIptables(rules)).evaluateWhole(
    {
      protocol: 6,
      ...{ source: address(source), sourcePort: 40000, destination: address("10.96.0.10"), destinationPort: 80 },
      ...{ inInterface: "cni0", mark: 0x1 },
    },
    environmentOf([address("192.0.2.1")]),
  );
  return required(outcome?.results[0], "one thing happens").path.map(print);
}

function print(step: PathStep): string {
  const { hook, table, chain, depth } = step;
  const where = `${hook} ${table} ${chain} ${depth}`;
  switch (step.kind) {
    case "policy":
      return `${where}: policy ${step.base.policy}`;
    case "missed":
      return `${where}: missed ${[...(step.bearing.source ? ["source"] : []), ...step.bearing.writes].join()}`;
    case "rule": {
      const { effect } = step;
      if (effect.kind === "verdict") return `${where}: ${Object.values(effect.verdict).join(" ")}`;
      if (effect.kind === "write") return `${where}: ${effect.field.key} ${effect.before} to ${effect.after}`;
      return `${where}: ${effect.kind}`;
    }
  }
}

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:MARK-MASQ - [0:0]
:SVC - [0:0]
-A PREROUTING -j SVC
-A SVC -d 10.96.0.10/32 ! -s 10.244.0.0/16 -j MARK-MASQ
-A SVC -d 10.96.0.11/32 ! -s 10.244.0.0/16 -j MARK-MASQ
-A SVC -p tcp -j DNAT --to-destination 10.244.1.5:8080
-A MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A POSTROUTING -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -s 10.244.0.0/16 -j ACCEPT
-A FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
COMMIT
`;

const quiet = (lines: readonly string[]): string[] => lines.filter((line) => !line.endsWith("policy accept"));

test("the path of a single packet holds jumps, writes with their values, translations and verdicts", () => {
  expect(quiet(pathOf(RULES, "203.0.113.9"))).toEqual([
    "prerouting nat PREROUTING 0: jump SVC",
    "prerouting nat SVC 1: jump MARK-MASQ",
    "prerouting nat MARK-MASQ 2: mark 1 to 16385",
    "prerouting nat SVC 1: destination",
    "forward filter FORWARD 0: accept",
    "postrouting nat POSTROUTING 0: missed ",
    "postrouting nat POSTROUTING 0: mark 16385 to 1",
    "postrouting nat POSTROUTING 0: source",
  ]);
});

test("rules that a written field alone has kept from applying are in it", () => {
  expect(pathOf(RULES, "203.0.113.9")).toContain("postrouting nat POSTROUTING 0: missed ");
  expect(pathOf(RULES.replace("! --mark 0x4000/0x4000", "--mark 0x8/0x8"), "10.244.1.9")).not.toContain(
    "postrouting nat POSTROUTING 0: missed ",
  );
});

test("it holds the rules that the packet's source alone has kept from marking it", () => {
  expect(quiet(pathOf(RULES, "10.244.1.9"))).toEqual([
    "prerouting nat PREROUTING 0: jump SVC",
    "prerouting nat SVC 1: missed meta mark",
    "prerouting nat SVC 1: destination",
    "forward filter FORWARD 0: accept",
    "postrouting nat POSTROUTING 0: return",
  ]);
});

test("it ends in a policy where no rule decides", () => {
  const unmarked = RULES.replace("--set-xmark 0x4000/0x4000", "--set-xmark 0x8000/0x8000");
  expect(pathOf(unmarked, "203.0.113.9").at(-1)).toBe("forward filter FORWARD 0: policy drop");
});

/** Of TCP from 10.0.0.1 to port 80. `by`: the element that made the rule apply, and where that is declared. */
test.each<[rules: string, path: readonly string[]]>([
  ["ip saddr @s accept", ["accept by 10.0.0.1 of s"]],
  ["ip saddr @s tcp dport 81 accept; drop", ["drop"]],
  ["ip saddr @s counter; drop", ["drop"]],
  ["ip saddr @s jump d", ["jump d by 10.0.0.1 of s", "mark 0 to 1"]],
  ["ip saddr vmap { 10.0.0.1 : drop }", ["drop by 10.0.0.1 of a map"]],
  ["ip saddr vmap @m", ["drop by 10.0.0.1 of m"]],
  ["ip saddr vmap { 10.0.0.2 : drop }; accept", ["accept"]],
  ["tcp dport 80 counter", []],
  ["tcp dport 81 drop", []],
  ["ip saddr 10.0.0.2 masquerade", ["missed source"]],
  ["tcp dport 80 fib saddr type local meta mark set 1", ["missed meta mark"]],
  ["tcp dport 80 fib daddr type local meta mark set 1", []],
  ['iifname "eth1" meta mark set 1', ["missed meta mark"]],
  ['iif "lo" meta mark set 1', ["missed meta mark"]],
  ['oifname "eth1" meta mark set 1', []],
  ["ip saddr 10.0.0.2 counter", []],
  ["ip saddr 10.0.0.2 tcp dport 81 masquerade", []],
  ["ip saddr 10.0.0.2 ip daddr . tcp dport { 10.0.0.2 . 80 } masquerade", []],
  ["ip saddr 10.0.0.2 numgen random mod 2 0 masquerade", ["missed source"]],
  ["ip saddr 10.0.0.2 numgen random mod 2 0 tcp dport 81 masquerade", []],
  ["ip saddr 10.0.0.2 limit rate 1/second masquerade", ["missed source"]],
  ["ip saddr 10.0.0.2 limit rate 1/second tcp dport 81 masquerade", []],
  ["ip saddr 10.0.0.2 meta mark set 1 tcp dport 81 drop", ["missed meta mark"]],
  ["ip saddr 10.0.0.2 meta mark set 1 ct mark set 1", ["missed meta mark,ct mark"]],
  ["ip saddr 10.0.0.2 jump writing", ["missed meta mark,ct mark"]],
  ["ip saddr 10.0.0.2 goto writing", ["missed meta mark,ct mark"]],
  ["ip saddr 10.0.0.2 jump counting", []],
  ["ip saddr 10.0.0.2 jump masquerading", ["missed source,meta mark"]],
  ["ip saddr 10.0.0.2 jump masquerade-first", ["missed source,meta mark"]],
  ["ip saddr 10.0.0.2 meta mark set 1 masquerade", ["missed source,meta mark"]],
  [
    "meta mark set jhash ip saddr mod 3; ip saddr 10.0.0.2 meta mark 1 masquerade",
    ["mark undefined to undefined", "missed source"],
  ],
  ["meta mark set 1; tcp dport 80 counter", ["mark 0 to 1"]],
  ["meta mark set 1; ct mark 2 drop", ["mark 0 to 1"]],
  ["meta mark set 1 counter; meta mark 2 drop", ["mark 0 to 1", "missed "]],
  ["meta mark set 1; meta mark 1 tcp dport 81 drop", ["mark 0 to 1"]],
  ["meta mark set 1; meta mark . tcp dport { 2 . 80 } drop", ["mark 0 to 1"]],
  ["meta mark set 1 meta priority set 1:1 accept", ["mark 0 to 1", "priority 0 to 65537", "accept"]],
  ["meta mark set jhash ip saddr mod 3", ["mark undefined to undefined"]],
  ["ct mark set jhash ip saddr mod 3 ct mark set 7", ["mark undefined to undefined", "mark undefined to 7"]],
  ["notrack", ["state 8 to 8"]],
  ["reject", ["reject port-unreachable"]],
  ["reject with tcp reset", ["reject tcp-reset"]],
  ["queue", ["taken queue"]],
  ["continue; accept", ["continue", "accept"]],
  ["update @d { ip saddr }", ["remember d 10"]],
  ["update @d { ip saddr timeout 30s }", ["remember d 30"]],
  [
    "update @d { ip saddr } add @e { ip saddr } delete @d { ip saddr }",
    ["remember d 10", "remember e undefined", "remember d undefined"],
  ],
  ["meta mark set 1; add @e { ip saddr }; meta mark 2 drop", ["mark 0 to 1", "remember e undefined", "missed "]],
  ["dnat to 10.0.0.9", ["destination 10.0.0.9:80"]],
  ["redirect", ["destination"]],
  ["snat to 10.0.0.9", ["source 10.0.0.9"]],
  ["masquerade", ["source undefined"]],
  ["meta l4proto tcp masquerade to :1024-2000", ["source the node's address:1024-2000"]],
])("%s: %j", (rules, wanted) => {
  const isOfSource = /snat|masquerad/.test(rules);
  const isOfNat = isOfSource || /dnat|redirect/.test(rules);
  const hook = isOfSource ? "postrouting" : isOfNat ? "prerouting" : "forward";
  const more = `set s { type ipv4_addr; elements = { 10.0.0.1 } }
set d { type ipv4_addr; flags dynamic,timeout; timeout 10s; }
set e { type ipv4_addr; flags dynamic; }
map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop } }
chain d { meta mark set 1; }
chain writing { counter; meta mark set 1; ct mark set 1; }
chain counting { counter; counter; }
${isOfSource ? "chain masquerading { meta mark set 1; masquerade; }\nchain masquerade-first { masquerade; meta mark set 1; }" : ""}`;
  const program = mustReadNft(
    `table ip t { ${more}\nchain c { type ${isOfNat ? "nat" : "filter"} hook ${hook} priority 100; ${rules}; } }`,
  );
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  const lines = quiet(
    required(outcome?.results[0], "one thing happens").path.map((step) => print(step) + detailsOf(step)),
  );
  expect(lines.map((line) => line.replace(/^\w+ t \w+ \d: /, ""))).toEqual(wanted);
});

function detailsOf(step: PathStep): string {
  if (step.kind !== "rule") return "";
  const { effect, element, declaration, translated } = step;
  if (translated !== undefined) return ` ${printAddressPort(translated.address, translated.port)}`;
  if (effect.kind === "source") return ` ${effect.source}`;
  if (effect.kind === "reject") return ` ${effect.with}`;
  if (effect.kind === "taken") return ` ${effect.text}`;
  if (effect.kind === "remember") return ` ${effect.set} ${effect.seconds}`;
  if (element === undefined) return "";
  const name = declaration === undefined ? "a map" : "name" in declaration ? declaration.name : "one in a rule";
  return ` by ${partsOfKey(element)
    .map((part) => printAddress(part as Address))
    .join()} of ${name}`;
}

/** A verdict ends the chain: no policy is told behind it. */
test.each<[rules: string, lines: readonly string[]]>([
  ["accept", ["forward t c 0: accept"]],
  ["drop", ["forward t c 0: drop"]],
  ["reject", ["forward t c 0: reject"]],
  ["tcp dport vmap { 80 : drop }", ["forward t c 0: drop"]],
  ["jump d", ["forward t c 0: jump d", "forward t d 1: accept"]],
  ["jump e", ["forward t c 0: jump e", "forward t e 1: jump d", "forward t d 2: accept"]],
  ["counter", ["forward t c 0: policy drop"]],
  ["return", ["forward t c 0: return", "forward t c 0: policy drop"]],
])("%s is told as %j", (rules, lines) => {
  const program = mustReadNft(`table ip t { chain d { accept; } chain e { jump d; }
chain c { type filter hook forward priority 0; policy drop; ${rules}; } }`);
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  expect(required(outcome?.results[0], "one thing happens").path.map(print)).toEqual(lines);
});

test("each of the elements that chance may choose is told", () => {
  const program = mustReadNft(`table ip t {
chain c { type filter hook forward priority 0; numgen random mod 4 vmap { 0 : drop, 1 : accept, 2 : drop }; } }`);
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  const told = (outcome?.results ?? []).map(({ path }) => quiet(path.map(print)).join() + path.map(detailsOf).join(""));
  expect(told.sort()).toEqual([
    "",
    "forward t c 0: accept by 0.0.0.1 of a map",
    "forward t c 0: drop by 0.0.0.0 of a map",
    "forward t c 0: drop by 0.0.0.2 of a map",
  ]);
});

/** The rules that decided: of all steps those with a verdict, a translation or a set. */
test.each<[rules: string, reasons: readonly string[]]>([
  ["meta mark set 1; jump d; accept", ["jump d", "accept"]],
  ["meta mark set 1; meta mark 2 drop", []],
  ["queue", []],
  ["update @s { ip saddr } reject", ["remember", "reject"]],
])("%s is decided by %j", (rules, reasons) => {
  const program = mustReadNft(`table ip t { set s { type ipv4_addr; flags dynamic; }
chain d { counter; } chain c { type filter hook forward priority 0; ${rules}; } }`);
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  const [result] = outcome?.results ?? [];
  const found = result?.path.filter((step) => result.reasons.includes(step as Reason)).map(print);
  expect(found?.map((line) => line.replace(/^\w+ t \w+ \d: /, ""))).toEqual(reasons);
  expect(result?.reasons.length).toBe(reasons.length);
});

/** What chance decides: what different rules decided stays apart, what they did on the way is told where it was done on all ways. */
test.each<[rules: string, paths: readonly string[]]>([
  ["numgen random mod 2 0 accept; accept", ["accept", "accept"]],
  ["numgen random mod 2 0 drop; drop", ["drop", "drop"]],
  ["numgen random mod 2 0 drop; accept", ["accept", "drop"]],
  ["numgen random mod 2 0 counter; accept", ["accept"]],
  ["numgen random mod 2 0 jump d; accept", ["accept"]],
  ["numgen random mod 2 0 goto e; accept", ["accept", "goto e, accept"]],
  ["numgen random mod 2 0 meta mark set 1; accept", ["accept"]],
  ["meta mark set 2; numgen random mod 2 0 meta priority set 1:1; accept", ["mark 0 to 2, accept"]],
  ["numgen random mod 2 0 reject; accept", ["accept", "reject"]],
  ["numgen random mod 2 0 reject; reject", ["reject", "reject"]],
])("%s: %j", (rules, paths) => {
  const program = mustReadNft(
    `table ip t { chain d { counter; } chain e { accept; } chain c { type filter hook forward priority 0; ${rules}; } }`,
  );
  const [outcome] = new Evaluator(program).evaluateWhole(PACKET, environmentOf([]));
  const found = (outcome?.results ?? []).map(({ path }) =>
    quiet(path.map(print))
      .map((line) => line.replace(/^\w+ t \w+ \d: /, ""))
      .join(", "),
  );
  expect(found.sort()).toEqual([...paths].sort());
  expect((outcome?.results ?? []).reduce((sum, { probability }) => sum + probability, 0)).toBe(1);
});
