/** What templates tell apart: of two rules with one template and the same parameters in it, each is the other. */
import { describe, expect, test, vi } from "vitest";
import type { Declarations } from "../../../../compiler/compare/symmetry/declarations.ts";
import { Describer } from "../../../../compiler/compare/symmetry/describe.ts";
import { SORTS } from "../../../../compiler/compare/symmetry/fields.ts";
import { RuleShapes } from "../../../../compiler/compare/symmetry/rule-shapes.ts";
import { NoSymmetry } from "../../../../compiler/compare/symmetry/tokens.ts";
import { DPORT, within } from "../../../../compiler/ir/build.ts";
import { stringify } from "../../../../compiler/ir/normal-form.ts";
import type { Chain, DataType, Expression, MapElement, Rule, SetElement, Step } from "../../../../compiler/ir/types.ts";
import { EXPRESSIONS, ipv4, MATCHES, ruleOf, SADDR, STATEMENTS } from "../../../support/ir.ts";

type Plain = undefined | boolean | number | bigint | string | readonly Plain[] | Members;
interface Members {
  readonly [name: string]: Plain;
}

/** Members that things of a kind may have besides those that they have. */
const MORE: Readonly<Record<string, Members>> = {
  compare: { orAbsent: true },
  within: { orAbsent: true },
  member: { orAbsent: true },
  dnat: { persistent: true },
  snat: { persistent: true },
  masquerade: { persistent: true, ports: { from: 1, to: 2 } },
  redirect: { persistent: true },
  literal: { netmap: true, base: 80 },
  remember: { timeoutSeconds: 30 },
  "opaque-statement": { writes: [{ kind: "meta", key: "mark" }] },
};

/** Each value that differs from `value` in one place. */
function* changesOf(value: Plain): Generator<Plain> {
  if (isList(value)) {
    for (const [i, each] of value.entries()) for (const other of changesOf(each)) yield value.with(i, other);
    if (value.length > 1) yield value.slice(1);
  } else if (typeof value === "object") {
    // What a thing is says what else it has; nothing depends on a comment.
    for (const [name, each] of Object.entries(value))
      if (name !== "kind" && name !== "comment" && each !== "verdict")
        for (const other of changesOf(each)) yield { ...value, [name]: other };
    for (const [name, each] of Object.entries(MORE[String(value["kind"])] ?? {}))
      if (value[name] === undefined) yield { ...value, [name]: each };
  } else if (typeof value === "boolean") yield !value;
  else if (typeof value === "number") yield value + 1;
  else if (typeof value === "bigint") yield value + 1n;
  else if (value === "saddr") yield "daddr";
  else if (value === "daddr") yield "saddr";
  else if (value === "sport") yield "dport";
  else if (value === "dport") yield "sport";
  else if (value === "th" || value === "udp" || value === "sctp") yield "tcp";
  else if (value === "tcp") yield "udp";
  else if (value !== undefined) yield `${value}x`;
}

function chainOf(rule: Rule): Chain {
  return { kind: "regular", name: "c", rules: [rule] };
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

const isSame = (a: unknown, b: unknown): boolean => a === b;

/** Sets of any name: each name that has not been met has the types of the one before. */
function declarations(): Declarations {
  const sets: Record<string, readonly DataType[]> = {
    pairs: ["ipv4_addr", "ipv4_addr"],
    services: ["ipv4_addr", "inet_proto", "inet_service"],
    endpoints: ["ipv4_addr", "integer"],
    identities: ["ipv4_addr"],
    blocked: ["ipv4_addr"],
    seen: ["ipv4_addr"],
  };
  const data = { services: "verdict", endpoints: ["ipv4_addr", "inet_service"], identities: ["classid"] } as const;
  const named = Object.entries(sets).flatMap(([name, key]) =>
    [name, `${name}x`].map((each) => [each, { key, data: data[name as keyof typeof data] }] as const),
  );
  return { where: [""], family: "ip", sets: new Map(named), chains: new Map([["other", 1000]]) };
}

/** Describes with one describer: two things have one text just where they have one template and the same parameters. */
function textsOf<Of>(
  describe: (describer: Describer, what: Of) => ReturnType<Describer["rule"]>,
): (what: Of) => string {
  let count = 0;
  const describer = new Describer(() => count++);
  describer.enter(declarations());
  return (what) => {
    try {
      const { token, parameters } = describe(describer, what);
      return `${token} ${parameters.join(" ")}`;
    } catch (error) {
      if (error instanceof NoSymmetry) return `none: ${error.message}`;
      throw error;
    }
  };
}

const askedOf = (left: Expression): Step => ({ kind: "compare", left, operator: "==", right: 1 });
const STEPS: readonly Step[] = [
  ...Object.values(MATCHES).flatMap((rows) => rows.map(([step]) => step as Step)),
  ...Object.values(STATEMENTS).flatMap((rows) => rows.map(([step]) => step as Step)),
  ...Object.values(EXPRESSIONS).flatMap((rows) => rows.map(([left]) => askedOf(left as Expression))),
  { kind: "compare", left: SADDR, operator: "!=", right: ipv4("10.0.0.1") },
  { kind: "compare", left: SADDR, operator: "<", right: ipv4("10.0.0.1") },
  { kind: "compare", left: { kind: "ct", key: "reply-saddr" }, operator: "==", right: ipv4("10.0.0.1") },
  within(DPORT, [{ from: 80, to: 90 }]),
  { kind: "dnat", to: { kind: "literal", addresses: { from: 1, to: 9 } }, random: "none" },
  // Set to a value that is shifted, and one that is made of others.
  ...Object.values(EXPRESSIONS).flatMap((rows) =>
    rows.map(([value]): Step => ({ kind: "set", field: { kind: "meta", key: "mark" }, value: value as Expression })),
  ),
];

describe("changed in one place, it is another one", () => {
  test("a rule with a step of each kind", () => {
    const textOf = textsOf<Rule>((describer, rule) => describer.rule(rule, chainOf(rule), 0));
    let changes = 0;
    for (const step of STEPS) {
      const before = textOf(ruleOf(step));
      if (before.startsWith("none: ")) continue;
      for (const other of changesOf(step as unknown as Plain)) {
        expect({ step, other, isSame: isSame(textOf(ruleOf(other as unknown as Step)), before) }).toMatchObject({
          isSame: false,
        });
        changes++;
      }
      expect(textOf({ steps: [step], whileReplacing: true })).not.toBe(before);
      expect(textOf(ruleOf(step, step))).not.toBe(before);
      expect(textOf(ruleOf(step))).toBe(before);
    }
    expect(changes).toBeGreaterThan(150);
  });

  test("an element of a set or map", () => {
    const key: readonly DataType[] = ["ipv4_addr", "inet_service"];
    const data: readonly DataType[] = ["ipv4_addr", "inet_service"];
    const textOf = textsOf<SetElement | MapElement>((describer, element) =>
      describer.element(element, key, "value" in element && Array.isArray(element.value) ? data : "verdict"),
    );
    const elements: readonly (SetElement | MapElement)[] = [
      { key: [ipv4("10.0.0.1"), 80] },
      { key: [ipv4("10.0.0.1"), { from: 80, to: 90 }], timeoutSeconds: 30 },
      { key: [{ from: ipv4("10.0.0.1"), to: ipv4("10.0.0.9") }, 80], statements: ["counter"] },
      { key: [ipv4("10.0.0.1"), 80], value: [ipv4("10.0.0.2"), 8080] },
      { key: [ipv4("10.0.0.1"), 80], value: { kind: "drop" } },
      { key: [ipv4("10.0.0.1"), 80], value: { kind: "jump", chain: "other" } },
      { key: [ipv4("10.0.0.1"), 80], value: { kind: "goto", chain: "other" } },
      { key: { kind: "others" }, value: { kind: "drop" } },
    ];
    const texts = elements.map(textOf);
    expect(new Set(texts).size).toBe(elements.length);
    let changes = 0;
    for (const [i, element] of elements.entries())
      for (const other of changesOf(element as unknown as Plain)) {
        // A key with another number of parts is none of this set.
        if (isList((other as Members)["key"]) && ((other as Members)["key"] as readonly Plain[]).length < 2) continue;
        expect({ element, other, isSame: isSame(textOf(other as unknown as SetElement), texts[i]) }).toMatchObject({
          isSame: false,
        });
        changes++;
      }
    expect(changes).toBeGreaterThan(20);
  });
});

describe("a rule of the shape of one before it is what it is without that one", () => {
  const goOn: Step = { kind: "verdict", verdict: { kind: "goto", chain: "other" } };
  /** Each step with what it is when changed in one place, among steps that stay the same objects. */
  const rules: readonly Rule[] = STEPS.flatMap((step) =>
    [step as unknown as Plain, ...changesOf(step as unknown as Plain)].flatMap((other) => {
      const own = structuredClone(other) as unknown as Step;
      return [ruleOf(own), ruleOf(step, own), ruleOf(own, step, goOn)];
    }),
  );
  const describing = (ports: readonly number[]): Describer => {
    let count = 0;
    const describer = new Describer(() => count++, new Set(ports));
    describer.enter(declarations());
    return describer;
  };
  const described = (describer: Describer, rule: Rule): object => {
    const { otherPorts, values, tests, gifts, fixedSorts } = describer;
    try {
      const { token, parameters, guards } = describer.rule(rule, chainOf(rule), 0);
      const noted = SORTS.map((sort) => [values[sort].known.length, tests[sort].all.length, gifts[sort].all.length]);
      return { token, parameters, guards, noted, counts: [otherPorts.size, fixedSorts.size] };
    } catch (error) {
      if (error instanceof NoSymmetry) return { refused: error.message };
      throw error;
    }
  };

  test.each<[string, readonly number[]]>([
    ["ports stay as they are", []],
    ["some ports are parameters", [1, 80, 8080, 30_080]],
  ])("%s", (_, ports) => {
    const fits = vi.spyOn(RuleShapes.prototype, "describe");
    const [knowing, forgetting] = [describing(ports), describing(ports)];
    for (const rule of rules) {
      // What it knows of its table is gone then, and nothing else.
      forgetting.enter(declarations());
      expect(stringify([rule, described(knowing, rule)])).toBe(stringify([rule, described(forgetting, rule)]));
    }
    const found = fits.mock.results.filter(({ value }) => value !== undefined);
    expect(found.length).toBeGreaterThan(15);
    vi.restoreAllMocks();
  });
});

describe("only what packets without its address do not notice has a guard", () => {
  const guardsOf = (element: SetElement, ...key: DataType[]): number =>
    new Describer(() => 0).element(element, key, undefined).guards.length;
  test("elements", () => {
    const address = ipv4("10.0.0.1");
    expect(guardsOf({ key: [address, 80] }, "ipv4_addr", "inet_service")).toBe(1);
    expect(guardsOf({ key: [address, address] }, "ipv4_addr", "ipv4_addr")).toBe(2);
    expect(guardsOf({ key: [80] }, "inet_service")).toBe(0);
    expect(guardsOf({ key: [{ from: address, to: address + 1 }, 80] }, "ipv4_addr", "inet_service")).toBe(0);
    expect(guardsOf({ key: { kind: "others" } }, "ipv4_addr")).toBe(0);
  });
});

describe("what the argument does not hold for is refused", () => {
  const address = ipv4("10.0.0.1");
  const mark = { kind: "meta", key: "mark" } as const;
  const constant: Expression = { kind: "constant", type: "ipv4_addr", value: address };
  const toAddresses = { key: ["mark"], data: ["ipv4_addr"], elements: [{ key: [1], value: [address] }] } as const;
  test.each<[string, Step]>([
    ["a rule computes with an address", { kind: "set", field: mark, value: SADDR }],
    ["a rule computes with an address", { kind: "set", field: mark, value: constant }],
    [
      "a rule computes with an address",
      { kind: "compare", left: { kind: "bitwise", operand: SADDR, mask: 1, xor: 0 }, operator: "==", right: 1 },
    ],
    [
      "an address is looked for among other things",
      { kind: "member", key: SADDR, negated: false, set: { key: ["mark"], elements: [] } },
    ],
    [
      "an address is looked for among other things",
      { kind: "member", key: mark, negated: false, set: { key: ["ipv4_addr"], elements: [] } },
    ],
    [
      "a key has another number of parts than its set",
      { kind: "member", key: SADDR, negated: false, set: { key: ["ipv4_addr", "mark"], elements: [] } },
    ],
    [
      "an address of a map is computed with",
      { kind: "set", field: mark, value: { kind: "lookup", key: mark, map: toAddresses } },
    ],
    ["an address is compared with a text", { kind: "compare", left: SADDR, operator: "==", right: "x" }],
    ["an address is compared with a text", { kind: "compare", left: SADDR, operator: "<", right: "x" }],
    ["nothing declares @none", { kind: "member", key: SADDR, negated: false, set: "none" }],
    [
      "a rule maps addresses by their bits",
      { kind: "dnat", to: { kind: "literal", netmap: true, addresses: { from: 0, to: 9 } }, random: "none" },
    ],
  ])("%s", (reason, step) => {
    expect(textsOf<Rule>((describer, rule) => describer.rule(rule, chainOf(rule), 0))(ruleOf(step))).toBe(
      `none: ${reason}`,
    );
  });
});

describe("values of a sort are left as they are where a rule does more with one", () => {
  const [mark, priority] = (["mark", "priority"] as const).map((key) => ({ kind: "meta", key }) as const) as [
    { readonly kind: "meta"; readonly key: "mark" },
    { readonly kind: "meta"; readonly key: "priority" },
  ];
  const setTo = (value: Expression): Step => ({ kind: "set", field: mark, value });
  const fromMap = (data: DataType): Expression => ({
    kind: "lookup",
    key: mark,
    map: { key: ["mark"], data: [data], elements: [{ key: [1], value: [1] }] },
  });
  test.each<["port" | "identity", string, Step]>([
    ["port", "a rule computes with a port", setTo(DPORT)],
    ["port", "a rule computes with a port", setTo({ kind: "constant", type: "inet_service", value: 80 })],
    [
      "port",
      "a rule computes with a port",
      { kind: "compare", left: { kind: "bitwise", operand: DPORT, mask: 1, xor: 0 }, operator: "==", right: 1 },
    ],
    [
      "port",
      "a port is looked for among other things",
      { kind: "member", key: DPORT, negated: false, set: { key: ["mark"], elements: [] } },
    ],
    [
      "port",
      "a port is looked for among other things",
      { kind: "member", key: mark, negated: false, set: { key: ["inet_service"], elements: [] } },
    ],
    ["port", "a port of a map is computed with", setTo(fromMap("inet_service"))],
    ["port", "a port is compared with a text", { kind: "compare", left: DPORT, operator: "==", right: "x" }],
    ["port", "a port is compared with a text", { kind: "compare", left: DPORT, operator: "<", right: "x" }],
    [
      "port",
      "a rule counts ports",
      { kind: "dnat", to: { kind: "literal", ports: { from: 1, to: 9 }, base: 80 }, random: "none" },
    ],
    ["identity", "a rule computes with an identity", setTo(priority)],
    ["identity", "an identity of a map is computed with", setTo(fromMap("classid"))],
    ["identity", "a rule computes an identity", { kind: "set", field: priority, value: mark }],
    [
      "identity",
      "a rule that is not understood writes an identity",
      { kind: "opaque-statement", text: "x", terminal: false, writes: [priority] },
    ],
  ])("%s: %s", (sort, reason, step) => {
    const describer = new Describer(() => 0);
    describer.enter(declarations());
    describer.rule(ruleOf(step), chainOf(ruleOf(step)), 0);
    expect([...describer.fixedSorts]).toEqual([[sort, reason]]);
  });

  test("rules that ask, write and find them leave them free", () => {
    const describer = new Describer(() => 0, new Set([80]));
    describer.enter(declarations());
    const identity: Expression = { kind: "constant", type: "classid", value: 7 };
    const steps: readonly Step[] = [
      { kind: "compare", left: DPORT, operator: "==", right: 80 },
      { kind: "set", field: priority, value: identity },
      { kind: "set", field: priority, value: fromMap("classid") },
    ];
    const rule = ruleOf(...steps);
    expect(describer.rule(rule, chainOf(rule), 0)).toMatchObject({ parameters: [0, 0, 0], guards: [{ at: 0 }] });
    expect(describer.fixedSorts.size).toBe(0);
  });
});
