/** Packets from hook to hook: what is asked of the node around the rules, and what is told of chains whose order is not known. */
import { describe, expect, test } from "vitest";
import { Evaluator, knownOutcomes } from "../../../compiler/evaluate/evaluate.ts";
import { alone, type Environment, environmentOf, hostOf, type RouteQuery } from "../../../compiler/evaluate/packet.ts";
import { EXPLORE_LIMITS } from "../../../compiler/evaluate/unknown/explore.ts";
import type { Hook } from "../../../compiler/ir/types.ts";
import type { Family } from "../../../compiler/net/address.ts";
import { packetText, tupleText } from "../../support/flows.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { NODE } from "../../support/routes.ts";

const HOOKS: readonly Hook[] = ["prerouting", "input", "forward", "output", "postrouting"];

/** `prerouting filter -300: drop`. */
const chain = (line: string): string =>
  line.replace(/^(\w+) (\w+) (-?\d+): ?(.*)$/, (_, hook, type, priority, rules) => {
    const name = `${hook}${String(priority).replace("-", "m")}${type}`;
    return `chain ${name} { type ${type} hook ${hook} priority ${priority}; ${rules} }`;
  });

const evaluatorOf = (...lines: readonly string[]): Evaluator =>
  new Evaluator(mustReadNft(`table ip t { ${lines.map(chain).join("\n")} }`));

/** A table each: it is not known which of two chains of one hook and priority runs first. */
const listing = (...lines: readonly string[]): Evaluator =>
  new Evaluator(mustReadNft(lines.map((line, i) => `table ip ${"tuv"[i]} { ${chain(line)} }`).join("\n")));

const IN = packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53");
const OWN = packetText("own udp 192.168.0.2:5000 > 203.0.113.5:53");
const TO_NODE = packetText("eth0 udp 203.0.113.5:40000 > 192.168.0.2:53");
const TO_SELF = packetText("own udp 192.168.0.2:5000 > 10.1.0.1:53");

describe("the node is asked for routes", () => {
  test.each<[what: string, packet: typeof IN, chains: readonly string[], asked: readonly string[]]>([
    ["of a packet that comes in", IN, [], ["prerouting 203.0.113.5:40000 > 10.1.0.9:53 0"]],
    ["not of one that is dropped before", IN, ["prerouting filter 0: drop"], []],
    [
      "of one whose destination is translated",
      IN,
      ["prerouting nat -100: dnat to 10.1.0.8"],
      ["prerouting 203.0.113.5:40000 > 10.1.0.8:53 0"],
    ],
    ["of the node's own", OWN, [], ["sending 192.168.0.2:5000 > 203.0.113.5:53 0"]],
    [
      "once where it is dropped",
      OWN,
      ["output route -150: meta mark set 7 drop"],
      ["sending 192.168.0.2:5000 > 203.0.113.5:53 0"],
    ],
    [
      "again behind a chain of type route that marks it",
      OWN,
      ["output route -150: meta mark set 7", "output filter 0: meta mark set 8"],
      ["sending 192.168.0.2:5000 > 203.0.113.5:53 0", "output 192.168.0.2:5000 > 203.0.113.5:53 7"],
    ],
    [
      "not behind one that leaves its mark",
      OWN,
      ["output filter -200: meta mark set 7", "output route -150: counter"],
      ["sending 192.168.0.2:5000 > 203.0.113.5:53 0"],
    ],
    [
      "behind NAT by the mark of then",
      OWN,
      ["output filter -200: meta mark set 7", "output nat -100: dnat to 10.1.0.9", "output filter 0: meta mark set 8"],
      ["sending 192.168.0.2:5000 > 203.0.113.5:53 0", "output 192.168.0.2:5000 > 10.1.0.9:53 7"],
    ],
    [
      "behind NAT that sends it where it goes",
      OWN,
      [
        "output filter -200: meta mark set 7",
        "output nat -100: dnat to 203.0.113.5",
        "output filter 0: meta mark set 8",
      ],
      ["sending 192.168.0.2:5000 > 203.0.113.5:53 0", "output 192.168.0.2:5000 > 203.0.113.5:53 7"],
    ],
  ])("%s", (_, packet, chains, wanted) => {
    const asked: RouteQuery[] = [];
    const route: Environment["route"] = (query) => {
      asked.push(query);
      return { kind: "forward", interface: "eth0" };
    };
    evaluatorOf(...chains).evaluateWhole(packet, { ...NODE, route });
    expect(asked.map(({ at, tuple, mark }) => `${at} ${tupleText(tuple)} ${mark}`)).toEqual(wanted);
  });
});

const MARKS = HOOKS.map((hook, i) => `${hook} filter 0: meta mark set meta mark | ${1 << i}`);

describe("packets pass the hooks", () => {
  test.each<[what: string, packet: typeof IN, environment: Environment, hooks: readonly Hook[]]>([
    ["of those that go on", IN, NODE, ["prerouting", "forward", "postrouting"]],
    ["of those to the node", TO_NODE, NODE, ["prerouting", "input"]],
    ["of the node's own", OWN, NODE, ["output", "postrouting"]],
    ["of the node's own to itself", TO_SELF, NODE, ["output", "postrouting", "prerouting", "input"]],
    ["of none where there is no route", IN, { ...NODE, route: () => ({ kind: "none" }) }, ["prerouting"]],
    ["of none where there is no route to send by", OWN, { ...NODE, route: () => ({ kind: "none" }) }, []],
  ])("%s", (_, packet, environment, hooks) => {
    const [outcome, ...more] = evaluatorOf(...MARKS).evaluateWhole(packet, environment);
    const marks = outcome?.results.map(({ sent }) => sent?.mark);
    expect([marks, more]).toEqual([[hooks.reduce((all, hook) => all | (1 << HOOKS.indexOf(hook)), 0)], []]);
  });

  test("both of those that go on and of those to the node, where it is not known which they are", () => {
    const evaluator = evaluatorOf("input filter 0: drop", "forward filter 0: reject");
    const texts = evaluator
      .evaluateWhole(IN, hostOf([]))
      .map(({ verdict, assumptions }) => [verdict, assumptions[0]?.holds]);
    expect(texts.sort()).toEqual([
      ["drop", true],
      ["reject", false],
    ]);
  });

  test("with marks that they get by chance, and keep", () => {
    const evaluator = evaluatorOf("forward filter 0: numgen random mod 2 0 meta mark set 7");
    const [outcome] = evaluator.evaluateWhole(IN, NODE);
    const marks = outcome?.results.map(({ sent, probability }) => `${sent?.mark} ${probability}`);
    expect(marks?.sort()).toEqual(["0 0.5", "7 0.5"]);
  });
});

test.each([
  ["the next chain of its place", "forward", 0],
  ["a chain of a later place", "forward", 1],
  ["a chain of a later hook", "postrouting", 0],
])("what is written by chance is kept for %s", (_, hook, priority) => {
  const first = "chain b { type filter hook forward priority 0; numgen random mod 2 0 meta mark set 7; }";
  const second = `chain a { type filter hook ${hook} priority ${priority}; meta mark 7 drop; }`;
  const [outcome] = new Evaluator(mustReadNft(`table ip t { ${second} ${first} }`)).evaluateWhole(
    IN,
    environmentOf([]),
  );
  const kinds = outcome?.results.map(({ disposition, probability }) => `${disposition.kind} ${probability}`);
  expect(kinds?.sort()).toEqual(["drop 0.5", "pass 0.5"]);
});

describe("a hook that is entered alone", () => {
  test.each<[hook: Hook, marks: readonly number[]]>([
    ["prerouting", [1]],
    ["input", [1]],
    ["forward", [1, 2]],
    ["output", [1, 2]],
    ["postrouting", [1, 2]],
  ])("%s: whether packets have an interface to leave by is %j", (hook, marks) => {
    const evaluator = evaluatorOf(`${hook} filter 0: meta mark set 1; oifname "eth0" meta mark set 2`);
    const packet = hook === "output" ? OWN : IN;
    const passages = evaluator.enter(hook, evaluator.start(packet, environmentOf([])));
    expect(passages.map(({ mark }) => mark).sort()).toEqual(marks);
  });

  test("leaves a packet alone that was dropped", () => {
    const evaluator = evaluatorOf("prerouting filter 0: drop", "forward filter 0: reject");
    const passages = evaluator.enter("prerouting", evaluator.start(IN, NODE));
    const [dropped = expect.unreachable()] = passages;
    expect(passages.length).toBe(1);
    expect(evaluator.enter("forward", dropped)).toEqual([dropped]);
    expect(evaluator.outcomesOf(passages).map(({ verdict }) => verdict)).toEqual(["drop"]);
  });
});

test("chances are told of all that is asked for", () => {
  const evaluator = evaluatorOf("forward filter 0: numgen random mod 4 0 drop");
  const passages = evaluator.enter("forward", evaluator.start(IN, NODE));
  const chancesOf = (some: typeof passages): unknown =>
    evaluator.outcomesOf(some).map(({ results }) => results.map(({ probability }) => probability).sort());
  expect(chancesOf(passages)).toEqual([[0.25, 0.75]]);
  expect(passages.map((passage) => chancesOf([passage]))).toEqual([[[1]], [[1]]]);
});

test("all packets at once, and each for certain", () => {
  const results = evaluatorOf("forward filter 0: udp dport 53 drop").follow(alone(IN), environmentOf([]));
  expect(results.map(({ probability, disposition }) => [probability, disposition.kind])).toEqual([[1, "drop"]]);
});

describe("chains in any order", () => {
  const NAMES = (hook: Hook): string => `chain ${hook}0filter of table ip t and chain ${hook}0filter of table ip u`;

  test.each<[hook: Hook]>(HOOKS.map((hook) => [hook]))("are told where nobody asks for packets: %s", (hook) => {
    const told = (families: readonly Family[], ...lines: readonly string[]): string[] => {
      const evaluator = listing(...lines);
      evaluator.assumeAllOrders(families);
      return [...evaluator.chainsInAnyOrder];
    };
    const lines = [`${hook} filter 0: meta mark set 1`, `${hook} filter 0: meta mark set 2`];
    expect(told(["IPv4"], ...lines)).toEqual([NAMES(hook)]);
    expect(told(["IPv4", "IPv6"], ...lines)).toEqual([NAMES(hook)]);
    expect(told(["IPv6"], ...lines)).toEqual([]);
    expect(told(["IPv4"], `${hook} filter 0: drop`, `${hook} filter 0: drop`)).toEqual([]);
    expect(told(["IPv4"], `${hook} filter 0: meta mark set 1`, `${hook} filter 1: meta mark set 2`)).toEqual([]);
  });

  test.each<[one: string, other: string, told: boolean]>([
    ["drop", "reject", true],
    ["udp dport 53 drop", "udp dport 53 reject", true],
    ["udp dport 54 drop", "udp dport 53 reject", false],
    ["drop", "accept", false],
  ])("%s, and %s: told of a packet is %s", (one, other, isTold) => {
    const evaluator = listing(`forward filter 0: ${one}`, `forward filter 0: ${other}`);
    const outcomes = evaluator.evaluateWhole(IN, NODE);
    expect([...evaluator.chainsInAnyOrder]).toEqual(isTold ? [NAMES("forward")] : []);
    expect(outcomes.length).toBe(isTold ? 2 : 1);
  });
});

test("outcomes that are not all of them are known as well, and refused where all are wanted", () => {
  const fields = ["ttl", "id", "dscp", "length", "hdrlength", "checksum", "frag-off"].map((name) => `ip ${name} 1`);
  const matches = [...fields, "udp length 9", "udp checksum 1"];
  const marks = matches.map((match, i) => `${match} meta mark set meta mark | ${1 << i}`);
  const evaluator = evaluatorOf(`forward filter 0: ${marks.join("; ")}`);
  const evaluation = evaluator.evaluate(IN, NODE);
  expect(evaluation.incomplete).toMatch(/^there are more outcomes: .* 256 outcomes were looked at /);
  expect(knownOutcomes(evaluation).length).toBe(256);
  expect(() => evaluator.evaluateWhole(IN, NODE)).toThrow("there are more outcomes");
  const whole = evaluatorOf("forward filter 0: drop").evaluate(IN, NODE);
  expect(knownOutcomes(whole).map(({ verdict }) => verdict)).toEqual(["drop"]);
  expect(whole.incomplete).toBeUndefined();
});

test.each([
  ["one outcome", { outcomes: 1 }, 1],
  ["a few steps", { each: 3, all: 3 }, 0],
])("of a packet whose outcomes are looked at up to %s, some are known", (_, limits, known) => {
  const evaluator = evaluatorOf("forward filter 0: ip ttl 1 drop; counter; counter; counter; counter");
  const evaluation = evaluator.evaluate(IN, NODE, { ...EXPLORE_LIMITS, ...limits });
  expect(evaluation.incomplete).toMatch(/^there are more outcomes/);
  expect(knownOutcomes(evaluation).length).toBe(known);
  expect(knownOutcomes(evaluator.evaluate(IN, NODE)).length).toBe(2);
});

test("all outcomes are asked for, and there are more than are looked at", () => {
  const rules = Array.from(
    { length: EXPLORE_LIMITS.outcomes },
    (_, i) => `-A FORWARD -m set --match-set s${i} src -j ACCEPT`,
  );
  const program = mustReadIptables(["*filter", ":FORWARD ACCEPT [0:0]", ...rules, "COMMIT", ""].join("\n"), "ip");
  expect(() => new Evaluator(program).evaluateWhole(IN, environmentOf([]))).toThrow(/^there are more outcomes: /);
  const fewer = mustReadIptables(
    ["*filter", ":FORWARD ACCEPT [0:0]", ...rules.slice(1), "COMMIT", ""].join("\n"),
    "ip",
  );
  expect(new Evaluator(fewer).evaluateWhole(IN, environmentOf([]))).toHaveLength(EXPLORE_LIMITS.outcomes);
});

test("packets that differ meet before chains that may run in more orders than are followed", () => {
  const tables = ["t", "u", "v", "w", "x"].map(
    (name, i) => `table ip ${name} { ${chain(`forward filter 0: meta mark ${i + 1} drop; meta mark set ${i + 2}`)} }`,
  );
  const before = `table ip s { ${chain("prerouting filter 0: numgen random mod 2 0 meta mark set 9; udp dport 54 drop")} }`;
  const outcomes = new Evaluator(mustReadNft([before, ...tables].join("\n"))).evaluateWhole(IN, environmentOf([]));
  expect(outcomes.map(({ assumptions, verdict }) => [assumptions.length, verdict])).toEqual([
    [1, "pass"],
    [1, "pass"],
  ]);
});
