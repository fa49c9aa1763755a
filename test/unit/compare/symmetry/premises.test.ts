/**
 * Programs that differ by one premise of compiler/compare/symmetry/README.md: who forgets the premise finds them equal.
 * Long because each premise has a pair of programs here, beside the others, and nothing else is here.
 */
import { describe, expect, test } from "vitest";
import { compare } from "../../../../compiler/compare/compare.ts";
import { reduce } from "../../../../compiler/compare/symmetry/reduce.ts";
import type { Program, Step } from "../../../../compiler/ir/types.ts";
import { mustReadIptables, mustReadNft } from "../../../support/read.ts";
import { ADDRESSES, COUNT, last, numbers, rules, verdicts, withSteps } from "../../../support/reduced.ts";
import { EVERYTHING } from "../../../support/runs.ts";

const DROP = (address: string): string => `ip daddr ${address} drop`;
const AT_PORT = (_: string, i: number): string => `tcp dport ${1000 + i} drop`;
const SENT_TO_PORT = (_: string, i: number): string => `ct state new ct status dnat tcp dport ${1000 + i} drop`;
/** Packets to port 80 come to the first of these ports. */
const TO_FIRST = "tcp dport 80 dnat ip to 10.5.0.1:1001-1009";
/** More than stay of a form with addresses and ports. */
const MANY = Array.from({ length: 18 }, (_, i) => i + 1);
const FLIP = "meta mark set meta mark ^ 1";
/** Eleven rules that change the mark of a packet change it once; those that stay of them change nothing. */
const ELEVEN = Array.from({ length: 11 }, (_, i) => i + 1);
const marked = { order: ELEVEN, behind: "meta mark 1 drop" };

/** The rules of a filter table at forward. */
function iptables(chains: readonly string[], lines: readonly string[]): Program {
  const declared = chains.map((name) => `:${name} -`).join("\n");
  return mustReadIptables(`*filter\n:FORWARD ACCEPT\n${declared}\n${lines.join("\n")}\nCOMMIT\n`, "ip");
}

/** A map from nine addresses to chains of their own, with the text of each. */
function owned(textOf: (i: number) => string, verdictOf: (i: number) => string = () => "jump"): Program {
  return mustReadNft(`table ip t {
    map m { type ipv4_addr : verdict; elements = { ${numbers.map((i) => `10.0.0.${i} : ${verdictOf(i)} own-${i}`).join(", ")} } }
    ${numbers.map((i) => `chain own-${i} { ${textOf(i)} }`).join("\n")}
    chain c { type filter hook forward priority 0; ip daddr vmap @m; drop; }
  }`);
}

const LEAF = numbers.slice(0, 3).map((i) => `-A LEAF -d 10.0.0.${i} -j DROP`);
const NINTH = "-A LEAF -d 10.0.0.9 -j DROP";
const FLAT = iptables(
  [],
  [...LEAF, NINTH].map((line) => line.replace("LEAF", "FORWARD")),
);
const tree = (...lines: readonly string[]): Program => iptables(["TREE", "LEAF"], ["-A FORWARD -j TREE", ...lines]);

const orAbsent = (program: Program): Program =>
  withSteps(program, (steps) =>
    steps.map(
      (step): Step =>
        step.kind === "compare" && step.left.kind === "ip" && steps.length > 2 ? { ...step, orAbsent: true } : step,
    ),
  );
const withinPoints = (program: Program, negated: boolean, more: object = {}): Program =>
  withSteps(program, (steps) =>
    steps.map(
      (step): Step =>
        step.kind === "compare" && step.left.kind === "ip" && steps.length > 2
          ? { kind: "within", left: step.left, negated, intervals: [{ from: step.right, to: step.right }], ...more }
          : step,
    ),
  );

/** By the premise: two programs that differ, and parts that are alike but for it. */
const PAIRS: Readonly<Record<string, readonly [Program, Program]>> = {
  "an address of a rule that is no item is fixed": [
    rules(DROP, { before: "tcp dport 1 counter ip daddr 10.0.0.9 accept" }),
    rules(DROP),
  ],
  "an address that is fixed is part of the kind": [
    rules((a) => `ip daddr ${a} ip saddr 10.1.0.1 drop`, {
      behind: "counter ip saddr 10.1.0.1; counter ip saddr 10.1.0.2",
    }),
    last(
      (a) => `ip daddr ${a} ip saddr 10.1.0.1 drop`,
      (a) => `ip daddr ${a} ip saddr 10.1.0.2 drop`,
      { behind: "counter ip saddr 10.1.0.1; counter ip saddr 10.1.0.2" },
    ),
  ],
  "which parameters of two rows are one is part of the form": [
    pairs((i) => `10.0.0.${i} . 10.1.0.${i}`),
    pairs(crossed),
  ],
  "rules of two fields are two segments": [
    rules((a) => `ip saddr ${a} drop`, { behind: numbers.map((i) => `ip daddr 10.1.0.${i} accept`).join("; ") }),
    rules((a) => `ip saddr ${a} drop`, {
      before: "ip daddr 10.1.0.9 accept",
      behind: numbers
        .slice(0, -1)
        .map((i) => `ip daddr 10.1.0.${i} accept`)
        .join("; "),
    }),
  ],
  "a rule for a fixed address of another field ends a segment": [
    last(DROP, (address) => `ip saddr 10.1.0.1 tcp dport 1 accept; ${DROP(address)}`, {
      behind: "counter ip saddr 10.1.0.1",
    }),
    last(DROP, (address) => `${DROP(address)}; ip saddr 10.1.0.1 tcp dport 1 accept`, {
      behind: "counter ip saddr 10.1.0.1",
    }),
  ],
  "so does a rule for an interval of the same field": [
    last(DROP, (address) => `ip daddr 10.0.0.0/8 tcp dport 1 accept; ${DROP(address)}`),
    last(DROP, (address) => `${DROP(address)}; ip daddr 10.0.0.0/8 tcp dport 1 accept`),
  ],
  "the number of a rule in its own chain is part of the kind": [
    owned(() => "tcp dport 1 accept; drop"),
    owned((i) => (i === COUNT ? "drop; tcp dport 1 accept" : "tcp dport 1 accept; drop")),
  ],
  "jump and goto are two verdicts": [
    owned(() => "tcp dport 1 drop"),
    owned(
      () => "tcp dport 1 drop",
      (i) => (i === COUNT ? "goto" : "jump"),
    ),
  ],
  "the set that an element stands in is part of the kind": [
    rules(() => "", { behind: "ip daddr @a drop; ip saddr @b drop", declared: sets(numbers, []) }),
    rules(() => "", { behind: "ip daddr @a drop; ip saddr @b drop", declared: sets(numbers.slice(0, -1), [9]) }),
  ],
  "addresses in the data of maps are parameters": [translating(9), translating(99)],
  "an address type is part of the class": [
    last(
      (a) => `ip daddr ${a} fib daddr type multicast drop`,
      () => "ip daddr 224.0.0.9 fib daddr type multicast drop",
    ),
    rules(() => ""),
  ],
  "what comes behind the end of an interval is not in it": [above(), above("ip daddr 10.0.0.200-10.0.1.9 accept")],
  "the family of an address is part of the class": [
    last(
      (address) => `ct original ip daddr ${address} meta nfproto ipv6 drop`,
      () => "ct original ip6 daddr 2001:db8::9 meta nfproto ipv6 drop",
    ),
    rules(() => ""),
  ],
  "an interval in the key of an element asks": [
    rules(DROP),
    rules(DROP, {
      before: "ip daddr . tcp dport @l accept",
      declared: "set l { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.9-10.0.0.20 . 80 } }",
    }),
  ],
  "an address that is compared is above or below": [rules(DROP), rules(DROP, { before: "ip daddr > 10.0.0.8 accept" })],
  "so it is where those below are meant": [
    last(DROP, () => "ip daddr 9.0.0.9 drop"),
    last(DROP, () => "ip daddr 9.0.0.9 drop", { before: "ip daddr < 9.255.0.0 accept" }),
  ],
  "what redirected packets of the node are sent to is fixed": [
    redirected((address) => `ip daddr ${address} ct state new ct status dnat drop`),
    redirected(() => ""),
  ],
  "what a rule does before its guard it does to all": [
    rules((a) => `${FLIP} ip daddr ${a} drop`, marked),
    rules(DROP, marked),
  ],
  "a guard is not negated": [
    rules((a) => `ip daddr != ${a} ${FLIP}`, { ...marked, before: listed() }),
    rules(() => "", { ...marked, before: listed() }),
  ],
  "an interval that is a guard is not negated": [
    withinPoints(
      rules((a) => `ip daddr ${a} tcp dport 1-65535 ${FLIP}`, { ...marked, before: listed() }),
      true,
    ),
    rules(() => "", { ...marked, before: listed() }),
  ],
  "a guard does not hold where its field has no value": [
    orAbsent(rules((a) => `ip daddr ${a} tcp dport 1-65535 ${FLIP}`, { ...marked, before: listed() })),
    rules(() => "", { ...marked, before: listed() }),
  ],
  "nor does an interval": [
    withinPoints(
      rules((a) => `ip daddr ${a} tcp dport 1-65535 ${FLIP}`, { ...marked, before: listed() }),
      false,
      { orAbsent: true },
    ),
    rules(() => "", { ...marked, before: listed() }),
  ],
  // --- ports
  "a port of a rule that is no item is fixed": [
    rules(AT_PORT, { before: "counter tcp dport 1009 accept" }),
    rules(AT_PORT),
  ],
  "an interval of ports asks": [rules(AT_PORT), rules(AT_PORT, { before: "tcp dport 1009-1020 accept" })],
  "a port that is compared is above or below": [rules(AT_PORT), rules(AT_PORT, { before: "tcp dport > 1008 accept" })],
  "a rule for another port field is another one": [
    last(AT_PORT, (_, i) => `tcp sport ${1000 + i} drop`),
    rules(AT_PORT),
  ],
  "rules of two port fields are two segments": [
    rules(AT_PORT, { behind: numbers.map((i) => `tcp sport ${2000 + i} accept`).join("; ") }),
    rules(AT_PORT, {
      before: "tcp sport 2009 accept",
      behind: numbers
        .slice(0, -1)
        .map((i) => `tcp sport ${2000 + i} accept`)
        .join("; "),
    }),
  ],
  "which ports of two elements are one is part of the form": [
    pairs((i) => `${1000 + i} . ${2000 + i}`, "inet_service"),
    pairs((i) => (i === COUNT ? `${2000 + i} . ${1000 + i}` : `${1000 + i} . ${2000 + i}`), "inet_service"),
  ],
  "which ports an address is asked with is part of the form": [
    rules((a, i) => `ip daddr ${a} tcp dport ${1000 + i} drop`, { order: MANY, behind: manyPorts() }),
    rules((a, i) => `ip daddr ${a} tcp dport ${i === MANY.length ? 1001 : 1000 + i} drop`, {
      order: MANY,
      behind: manyPorts(),
    }),
  ],
  "a port to which a rule redirects is its own": [
    rules(SENT_TO_PORT, { declared: natted("tcp dport 80 redirect to :1009"), hook: "input" }),
    rules(() => "", { declared: natted("tcp dport 80 redirect to :1009"), hook: "input" }),
  ],
  "ports of a range to which a rule translates are fixed": [
    rules(SENT_TO_PORT, { declared: natted(TO_FIRST), order: numbers.toReversed() }),
    rules(() => "", { declared: natted(TO_FIRST) }),
  ],
  "a port to which a rule translates is its own": [
    rules(SENT_TO_PORT, { declared: natted("tcp dport 80 dnat ip to 10.5.0.1:1009") }),
    rules(() => "", { declared: natted("tcp dport 80 dnat ip to 10.5.0.1:1009") }),
  ],
  // --- identities
  "which identities are one is part of the form": [identities((i) => i), identities((i) => (i === COUNT ? 1 : i))],
  "an identity that a rule asks for is its own": [
    identities((i) => i),
    identities((i) => i, "meta priority 1:9 accept;"),
  ],
  "the priority that packets come with is fixed": [
    rules((_, i) => `meta priority ${i === COUNT ? "none" : `1:${i}`} drop`),
    rules(() => ""),
  ],
  "what rules write to priorities is asked for": [
    rules((_, i) => `meta priority 1:${i} drop`, { before: "meta priority set 1:9" }),
    rules(() => "", { before: "meta priority set 1:9" }),
  ],
  // --- lists of session affinity
  "how long they remember is part of the form": [affinity(), affinity({ seconds: 11 })],
  "what they hold is part of the form": [affinity(), affinity({ elements: "elements = { 10.3.0.1 };" })],
  // --- trees laid flat
  "a part asks for the protocol that the rule asks for": [
    tree(
      "-A TREE -p tcp -m conntrack --ctorigdstport 1000:1010 -g LEAF",
      ...numbers.map((i) => byOriginalPort("LEAF", i)),
    ),
    iptables(
      [],
      numbers.map((i) => byOriginalPort("FORWARD", i)),
    ),
  ],
  "the intervals of ports of a part lie in that of the rule that leads to it": [
    tree("-A TREE -m conntrack --ctorigdstport 1000:1008 -g LEAF", ...numbers.map((i) => byOriginalPort("LEAF", i))),
    iptables(
      [],
      numbers.map((i) => byOriginalPort("FORWARD", i)),
    ),
  ],
  "the intervals of a part lie in that of the rule that leads to it": [
    tree("-A TREE -d 10.0.0.0/30 -g LEAF", "-A TREE -d 10.0.1.0/30 -j RETURN", ...LEAF, NINTH),
    FLAT,
  ],
  "so does the first one": [
    tree("-A TREE -d 10.0.0.8/29 -g LEAF", "-A TREE -d 10.0.1.0/30 -j RETURN", ...LEAF, NINTH),
    FLAT,
  ],
  "a part asks the same field": [
    tree("-A TREE -d 10.0.0.0/24 -g LEAF", ...LEAF.map((line) => line.replace("-d", "-s"))),
    iptables(
      [],
      LEAF.map((line) => line.replace("-d", "-s").replace("LEAF", "FORWARD")),
    ),
  ],
  "no two intervals of a chain meet": [
    tree("-A TREE -d 10.0.0.0/24 -g LEAF", "-A TREE -d 10.0.0.9 -j DROP", ...LEAF),
    FLAT,
  ],
  "the rule asks for what is in the interval": [
    tree("-A TREE ! -d 10.0.0.0/24 -g LEAF", ...LEAF),
    iptables(
      [],
      LEAF.map((line) => line.replace("LEAF", "FORWARD")),
    ),
  ],
};

describe("a premise", () => {
  test.each(Object.entries(PAIRS))("%s", (_, [left, right]) => {
    const found = verdicts(left, right);
    expect(found).toMatchObject({ whole: false });
    if (found.reason === undefined) expect(found.reduced).toBe(false);
  });
});

/** Two sets, with an element for each of these numbers. */
function sets(a: readonly number[], b: readonly number[]): string {
  const of = (name: string, all: readonly number[]): string =>
    `set ${name} { type ipv4_addr; ${all.length === 0 ? "" : `elements = { ${all.map((i) => `10.0.0.${i}`).join(", ")} }`} }`;
  return `${of("a", a)} ${of("b", b)}`;
}

/** Two sets with pairs of addresses or ports, the second one with these. */
function pairs(pairOf: (i: number) => string, type: "ipv4_addr" | "inet_service" = "ipv4_addr"): Program {
  const set = (name: string, of: (i: number) => string): string =>
    `set ${name} { type ${type} . ${type}; elements = { ${numbers.map(of).join(", ")} } }`;
  const [key, first] =
    type === "ipv4_addr"
      ? (["ip saddr . ip daddr", (i: number) => `10.0.0.${i} . 10.1.0.${i}`] as const)
      : (["tcp sport . tcp dport", (i: number) => `${1000 + i} . ${2000 + i}`] as const);
  return mustReadNft(`table ip t {
    ${set("p", first)} ${set("q", pairOf)}
    chain c { type filter hook forward priority 0; ${key} @p meta mark 1 drop; ${key} @q meta mark 2 drop; }
  }`);
}

/** Rules that do nothing, by ports alone. */
function manyPorts(): string {
  return MANY.map((i) => `tcp dport ${1000 + i} accept`).join("; ");
}

/** A chain that translates destinations. */
function natted(rule: string): string {
  return `chain n { type nat hook prerouting priority -100; ${rule}; }`;
}

/** Nine addresses with an identity each, and nine identities with an endpoint each. */
function identities(identityOf: (i: number) => number, before = ""): Program {
  return mustReadNft(`table ip t {
    map slots { type ipv4_addr : classid; elements = { ${numbers.map((i) => `10.0.0.${i} : 1:${identityOf(i)}`).join(", ")} } }
    map endpoints { type classid : ipv4_addr; elements = { ${numbers.map((i) => `1:${i} : 10.1.0.${i}`).join(", ")} } }
    chain c { type nat hook prerouting priority -100;
      meta priority set ip daddr map @slots; ${before} dnat to meta priority map @endpoints; }
  }`);
}

/** Nine addresses with a list each of the clients that are remembered; the last one remembers for so long, and has these elements. */
function affinity({ seconds = 10, elements = "" } = {}): Program {
  const lists = numbers.map((i) => {
    const [own, has] = i === COUNT ? [seconds, elements] : [10, ""];
    return `set affinity-${i} { type ipv4_addr; flags dynamic,timeout; timeout ${own}s; ${has} }`;
  });
  const own = numbers.map(
    (i) =>
      `ip daddr 10.0.0.${i} ip saddr @affinity-${i} dnat to 10.2.0.${i}; ip daddr 10.0.0.${i} update @affinity-${i} { ip saddr } dnat to 10.1.0.${i};`,
  );
  return mustReadNft(`table ip kpc { ${lists.join(" ")}
    chain c { type nat hook prerouting priority -100; ${own.join(" ")} }
  }`);
}

function byOriginalPort(chain: string, i: number): string {
  return `-A ${chain} -m conntrack --ctorigdstport ${1000 + i} -j DROP`;
}

/** The last pair the other way round. */
function crossed(i: number): string {
  return i === COUNT ? `10.1.0.${i} . 10.0.0.${i}` : `10.0.0.${i} . 10.1.0.${i}`;
}

/** Nine addresses that are translated; the last one to this one. */
function translating(end: number): Program {
  const elements = numbers.map((i) => `10.0.0.${i} : 10.1.0.${i === COUNT ? end : i}`).join(", ");
  return mustReadNft(`table ip t {
    map m { type ipv4_addr : ipv4_addr; elements = { ${elements} } }
    chain c { type nat hook prerouting priority -100; dnat to ip daddr map @m; }
  }`);
}

/** Addresses behind an interval, and the last one of it. */
function above(before = ""): Program {
  const ruleOf = (_: string, i: number): string => DROP(`10.0.1.${i === COUNT ? 9 : 20 + i}`);
  return rules(ruleOf, { before });
}

/** Packets of the node's own to port 80 go to 127.0.0.1; the rules are for it and eight others. */
function redirected(ruleOf: (address: string) => string): Program {
  return mustReadNft(`table ip t {
    chain n { type nat hook output priority -100; tcp dport 80 redirect; }
    chain c { type filter hook output priority 0; ${[18, 17, 16, 15, 14, 13, 12, 11, 1].map((i) => ruleOf(`127.0.0.${i}`)).join("; ")} }
  }`);
}

/** Of packets to eleven addresses nothing else is asked. */
function listed(): string {
  return ELEVEN.map((i) => `ip daddr 10.0.0.${i} accept`).join("; ");
}

describe("chains that are more than parts of a tree stay", () => {
  test("those that another rule leads to", () => {
    const behind = ["-A FORWARD -p tcp -j TREE", "-A TREE -d 10.0.0.0/24 -g LEAF", ...LEAF];
    const [twice, once] = [["-A FORWARD -p udp -j LEAF", ...behind], behind].map((lines) =>
      iptables(["TREE", "LEAF"], lines),
    );
    expect(verdicts(twice as Program, once as Program)).toMatchObject({ whole: false, reduced: false });
  });

  test("those that an element leads to", () => {
    const text = `table ip t {
      map m { type ipv4_addr : verdict; elements = { 10.9.0.1 : jump leaf } }
      chain leaf { ${numbers.map((i) => DROP(`10.0.0.${i}`)).join("; ")}; }
      chain tree { ip daddr 10.0.0.0/24 goto leaf; }
      chain c { type filter hook forward priority 0; ip saddr vmap @m; jump tree; }
    }`;
    expect(verdicts(mustReadNft(text), mustReadNft(text))).toMatchObject({ whole: true, reduced: true });
  });
});

describe("what a packet may get belongs to no part", () => {
  test("the address that stands for none", () => {
    const program = last(DROP, () => DROP("0.0.0.0"));
    expect(verdicts(program, program)).toMatchObject({ whole: true, reduced: true, components: COUNT - 1 });
  });

  test("addresses in a range that a rule translates to, the first and the last among them", () => {
    const program = rules(DROP, {
      declared: "chain n { type nat hook prerouting priority -100; tcp dport 1 dnat ip to 10.0.0.2-10.0.0.8; }",
    });
    expect(verdicts(program, program)).toMatchObject({ whole: true, reduced: true, components: 2 });
  });

  test("addresses that come behind a match that may count packets", () => {
    const program = rules((address) => `limit rate 1/second ip daddr ${address} drop`);
    expect(reduce(program, program, ADDRESSES, { evenIfFew: true })).toMatchObject({ components: 0 });
  });
});

test.runIf(EVERYTHING)(
  "more than five of each form stay: errors about connections have six addresses that are not one another's at forward",
  () => {
    const fields = ["ip", "ct original ip", "ct reply ip"].flatMap((of) => [`${of} saddr`, `${of} daddr`]);
    const six = numbers.slice(0, 6).map((i) => `10.0.0.${i}`);
    const isOne = fields.flatMap((field, k) =>
      fields.slice(k + 1).flatMap((other) => six.map((a) => `${field} ${a} ${other} ${a} accept;`)),
    );
    const chains = fields.map(
      (field, k) => `chain f${k} { ${six.map((a) => `${field} ${a} goto f${k + 1};`).join(" ")} }`,
    );
    const text = (end: string): Program =>
      mustReadNft(`table ip t { chain f6 { ${end} } ${chains.toReversed().join("\n")}
      chain c { type filter hook forward priority 0; ip protocol != icmp accept; ct direction reply accept; ${isOne.join(" ")} goto f0; } }`);
    const reduction = reduce(text("drop"), text(""), ADDRESSES, { evenIfFew: true });
    if (reduction.kind === "whole") throw new Error(reduction.reason);
    expect(reduction).toMatchObject({ components: 6, forms: 1 });
    const { differing } = compare(...reduction.programs, {
      addresses: ADDRESSES,
      families: ["IPv4"],
      symmetry: false,
      keep: 0,
    });
    expect(differing).toBeGreaterThan(0);
  },
);

test("two elements of one key are one too many", () => {
  const program = mustReadNft("table ip t { set s { type ipv4_addr; elements = { 10.0.0.1 } } }");
  const [table] = program.ruleset.tables;
  if (table === undefined) throw new Error("one table");
  const twice = table.sets.map((set) => ({ ...set, elements: [...set.elements, ...set.elements] }));
  const wrong = { ...program, ruleset: { tables: [{ ...table, sets: twice }] } };
  expect(reduce(wrong, program, ADDRESSES)).toEqual({ kind: "whole", reason: "two things of one kind have one name" });
});
