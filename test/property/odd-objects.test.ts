/** Objects of any shape, as only something that is no API server would send them: they end nothing, and bring no command into the transactions. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import { MAX_NESTING } from "../../runtime/api/json-cutter.ts";
import { cluster, type Manifest } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { ReplayedAgent, ruleKindOf } from "../support/events.ts";
import { runs } from "../support/runs.ts";

/** What stands in no rule of kpc: where it is found in a transaction, a text of an object has come through. */
const MARK = "zzkpcmark";

const HOSTILE = [
  `${MARK}`,
  `${MARK}"; flush ruleset; #`,
  `${MARK}\nflush ruleset\n`,
  `${MARK} } ; delete table ip kpc`,
  `include "/etc/${MARK}"`,
  `$${MARK}`,
  `\\"${MARK}`,
  `1.2.3.4\n${MARK}`,
  `10.180.0.1 . 80 : ${MARK}`,
  `TCP ${MARK}`,
  `::ffff:1.2.3.4%${MARK}`,
  `\u0000${MARK}`,
  `\u2028${MARK}\ud800`,
  "__proto__",
  "constructor",
  "",
  "10.180.0.1",
  "fd00::1",
  "4294967296",
  "999999999999999999999",
];

const hostileText = fc.constantFrom(...HOSTILE);

const deep = fc.integer({ min: 1, max: MAX_NESTING }).map((depth) => {
  let value: unknown = MARK;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
});

const odd: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 80, 65536, 1e308, 2 ** 53, [], {}, [[]], [{}]),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: deep },
);

/** A place in a value, as numbers that lead there whatever the value is. */
const place = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 7 });

/** `value` with `put` at the place: instead of what is there, or beside it. */
function changed(value: unknown, way: readonly number[], put: unknown, isBeside: boolean): unknown {
  const [turn, ...rest] = way;
  if (turn === undefined || typeof value !== "object" || value === null) return put;
  const keys = Object.keys(value);
  if (keys.length === 0) return put;
  const key = keys[turn % keys.length] as string;
  const inner = changed((value as Record<string, unknown>)[key], rest, put, isBeside);
  if (Array.isArray(value)) {
    const list = [...value];
    if (isBeside && rest.length === 0) list.splice(Number(key), 0, put);
    else list[Number(key)] = inner;
    return list;
  }
  return { ...value, [isBeside && rest.length === 0 ? `${key}s` : key]: inner };
}

const change = fc.record({ way: place, put: odd, isBeside: fc.boolean() });

interface OddHistory {
  readonly objects: readonly Manifest[];
  /** Of the object with that number: what is wrong with it at some time. */
  readonly odd: readonly (readonly [number, readonly { way: readonly number[]; put: unknown; isBeside: boolean }[]])[];
}

const cases = cluster.chain((input) =>
  fc.record({
    config: fc.constant({ ...toConfig(input.proxy), mode: input.mode } as const),
    history: fc.record<OddHistory>({
      objects: fc.constant(input.objects),
      odd: fc.array(fc.tuple(fc.nat({ max: 50 }), fc.array(change, { minLength: 1, maxLength: 3 })), {
        minLength: 1,
        maxLength: 20,
      }),
    }),
  }),
);

/** Objects that are those of `objects` but for what is changed: their kind and name stay, by which an API server tells of them. */
function oddObjects({ objects, odd: all }: OddHistory): { readonly kind: RuleKind; readonly object: unknown }[] {
  return all.flatMap(([number, changes]) => {
    const sound = objects[number % objects.length];
    if (sound === undefined) return [];
    let object: unknown = sound;
    for (const { way, put, isBeside } of changes) object = changed(object, way, put, isBeside);
    const known = sound["metadata"] as Manifest;
    const metadata =
      typeof object === "object" && object !== null ? ((object as Manifest)["metadata"] as unknown) : undefined;
    const own = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? metadata : {};
    const named = { ...own, name: known["name"], namespace: known["namespace"] };
    return [{ kind: ruleKindOf(sound), object: { ...(object as object), metadata: named } }];
  });
}

/** Commands that change what nft keeps, as the first words of a line. */
const COMMAND = /^(?:add|delete|flush) (?:table|chain|rule|set|map|element) ip6? kpc(?: |$)/;

/** What of a transaction is no command of kpc's, outside of comments. A comment is quoted, and nft knows no way to quote within it. */
function strangeLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/ comment "[^"]{0,128}"/g, ""))
    .filter((line) => line !== "" && (!COMMAND.test(line) || line.includes(MARK) || line.includes(";flush")));
}

test("end nothing, reach no transaction, and are forgotten when sound ones come", () => {
  fc.assert(
    fc.property(cases, ({ config, history }) => {
      const agent = new ReplayedAgent(config);
      const strange: string[] = [];
      const update = (): void => {
        while (agent.tables.waiting > 0) {
          const next = agent.tables.update(500);
          if (next !== undefined) agent.apply(next);
          for (const each of next?.changes ?? []) strange.push(...strangeLines(printChange(each)));
        }
      };
      const putSound = (): void => {
        for (const object of history.objects) agent.take({ kind: "put", object });
        update();
      };
      putSound();
      for (const { kind, object } of oddObjects(history)) {
        agent.tables.put(kind, object);
        update();
      }
      expect(strange).toEqual([]);
      putSound();
      expect(agent.disagreement(agent.objects.values())).toBe("");
    }),
    { numRuns: runs(400) },
  );
});

test("whose names are no names bring no command, and are told", () => {
  const tables = new NodeTables({ nodeName: "node-a", mode: "nftables" });
  const spec = {
    type: "NodePort",
    ipFamilies: ["IPv4"],
    sessionAffinity: "ClientIP",
    internalTrafficPolicy: "Local",
    externalTrafficPolicy: "Local",
  };
  const hostile = HOSTILE.filter((text) => text.includes(MARK) && text !== MARK);
  for (const [i, text] of hostile.entries()) {
    const [clusterIP, port] = [`10.96.1.${i + 1}`, { name: text, port: 80 + i, nodePort: 30000 + i }];
    for (const [j, metadata] of [
      { name: text, namespace: "shop" },
      { name: `s${i}`, namespace: text },
      { name: `s${i}`, namespace: "shop" },
    ].entries()) {
      const labels = { "kubernetes.io/service-name": metadata.name };
      const ports = j === 2 ? [port] : [{ ...port, name: "p" }];
      tables.put("Service", { metadata, spec: { ...spec, clusterIP, clusterIPs: [clusterIP], ports } });
      tables.put("EndpointSlice", {
        metadata: { ...metadata, name: `${metadata.name}-1`, labels },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.180.0.1"], nodeName: text, hints: { forZones: [{ name: text }] } }],
        ports: [{ name: j === 2 ? text : "p", port: 8080, protocol: "TCP" }],
      });
    }
  }
  const strange: string[] = [];
  while (tables.waiting > 0)
    for (const each of tables.update(500)?.changes ?? []) strange.push(...strangeLines(printChange(each)));
  expect(strange).toEqual([]);
  expect(tables.findings.size).toBeGreaterThan(hostile.length);
});
