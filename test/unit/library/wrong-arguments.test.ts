/** Wrong arguments of all that the package exports: each is one `TypeError` that names the argument and says what was expected. */
import { describe, expect, test } from "vitest";
import { encodeRoutes } from "../../../compiler/formats/router/encode.ts";
import * as library from "../../../compiler/index.ts";
import * as classifierFile from "../../../runtime/classifier/index.ts";
import * as inline from "../../../runtime/classifier/inline.ts";
import * as routerFile from "../../../runtime/router/index.ts";
import { mustPrintTable, webCluster } from "../../support/tables.ts";

const SOURCES = [{ name: "a.yaml", text: "" }];
const TABLE = mustPrintTable(webCluster(["10.244.1.7"]));
const ROUTES = encodeRoutes([]);
const PACKET = { protocol: "tcp", source: "192.0.2.1", destination: "192.0.2.2" } as const;
const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: a}
spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}
`;
const { rules } = library.compile([{ name: "a.yaml", text: SERVICE }], { settings: { clusterCIDR: "10.244.0.0/16" } });
const followed = library.followTable([{ name: "a.yaml", text: SERVICE }]);
const sharedEngine = { module: new URL("../../../dist/assembly/classifier-shared.wasm", import.meta.url) };
const shared = await classifierFile.shareTable(TABLE, sharedEngine);
const sharedFollowed = await classifierFile.shareTable(followed.table as Uint8Array, sharedEngine);
const place = shared.place();
const router = routerFile.createRouter(ROUTES);
const classifier = await inline.createClassifier(TABLE);
const patched = await inline.createClassifier(followed.table as Uint8Array);

/** What callers without types pass. Each is right only where a parameter says so. */
const VALUES: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  true: true,
  zero: 0,
  seven: 7,
  negative: -1,
  NaN: Number.NaN,
  bigint: 7n,
  symbol: Symbol("a"),
  "no text": "",
  text: "eth0",
  function: () => 1,
  "no members": {},
  "other members": { a: 1 },
  "an empty list": [],
  "a list of numbers": [7],
  "a list of half a source": [{ name: "a" }],
  "a list of sources": SOURCES,
  bytes: new Uint8Array(64),
  ArrayBuffer: new ArrayBuffer(64),
  Map: new Map([["mode", "iptables"]]),
  Promise: Promise.resolve(SOURCES),
  Date: new Date(0),
};

/** A parameter, or an option: its name in messages, and the values that are no `TypeError`. */
interface Parameter {
  readonly name: string;
  readonly right: readonly (keyof typeof VALUES)[];
}

/** A function with right arguments, and what each may be. `options` are members of the last argument. */
interface Row {
  readonly call: (...given: readonly never[]) => unknown;
  readonly given: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly options?: readonly Parameter[];
}

const texts = (name: string): Parameter => ({ name, right: ["an empty list", "a list of sources"] });
const handle = (name: string): Parameter => ({ name, right: [] });
const OPTIONS: Parameter = { name: "options", right: ["undefined", "no members"] };
const bool = (name: string): Parameter => ({ name: `options.${name}`, right: ["undefined", "true"] });
const count = (name: string): Parameter => ({ name: `options.${name}`, right: ["undefined", "zero", "seven"] });
const call = (name: string): Parameter => ({ name: `options.${name}`, right: ["undefined", "function"] });
const word = (name: string): Parameter => ({ name: `options.${name}`, right: ["undefined"] });
// Members of other names are findings about settings, with their place.
const SETTINGS: Parameter = { name: "options.settings", right: ["undefined", "no members", "other members"] };
const LIMITS: readonly Parameter[] = [word("family"), count("budget"), call("giveUp"), count("limit")];
const CHOICE: readonly Parameter[] = [word("choose"), bool("remember"), call("now"), call("random")];
const PACKET_PARAMETER: Parameter = { name: "packet", right: ["bytes"] };
const ARRIVAL: Parameter = { name: "arrival", right: ["undefined", "no members"] };
const IN_INTERFACE: Parameter = { name: "arrival.inInterface", right: ["undefined", "null", "no text", "text"] };

const compileRow = {
  given: [SOURCES, {}],
  parameters: [texts("manifests"), OPTIONS],
  options: [SETTINGS, bool("strict"), bool("complete")],
};
const traceRow = { given: [rules, "tcp 192.0.2.1:1 > 192.0.2.2:2"], parameters: [handle("rules")] };
const port = (name: string): Parameter => ({ name, right: ["undefined", "zero", "seven"] });

const ROWS: Readonly<Record<string, Row>> = {
  compile: { call: library.compile, ...compileRow },
  compileAll: { call: library.compileAll, ...compileRow },
  readRules: {
    call: library.readRules,
    given: [SOURCES, {}],
    parameters: [texts("texts"), OPTIONS],
    options: [SETTINGS, { name: "options.names", right: ["undefined"] }],
  },
  print: { call: library.print, given: [rules, "nft"], parameters: [handle("rules"), { name: "format", right: [] }] },
  printBytes: {
    call: library.printBytes,
    given: [rules, "tables", ""],
    parameters: [
      handle("rules"),
      { name: "format", right: [] },
      { name: "source", right: ["undefined", "no text", "text"] },
    ],
  },
  // A text that is no packet is a finding with its place.
  evaluate: {
    call: library.evaluate,
    ...traceRow,
    parameters: [handle("rules"), { name: "packet", right: ["no text", "text"] }],
  },
  trace: {
    call: library.trace,
    ...traceRow,
    parameters: [handle("rules"), { name: "packet", right: ["no text", "text"] }],
  },
  traceCluster: {
    call: library.traceCluster,
    given: [SOURCES, "tcp 192.0.2.1:1 > 192.0.2.2:2", {}],
    parameters: [texts("manifests"), { name: "packet", right: ["no text", "text"] }, OPTIONS],
    options: [SETTINGS, bool("strict"), bool("complete"), bool("all"), bool("reply")],
  },
  followTable: {
    call: library.followTable,
    given: [SOURCES, {}],
    parameters: [texts("manifests"), OPTIONS],
    options: [SETTINGS, bool("strict"), { name: "options.source", right: ["undefined", "no text", "text"] }],
  },
  "FollowedTable.update": {
    call: followed.update.bind(followed),
    given: [SOURCES],
    parameters: [{ name: "changes", right: ["an empty list", "a list of sources", "a list of half a source"] }],
  },
  "FollowedTable.updateObjects": {
    call: followed.updateObjects.bind(followed),
    given: [[]],
    parameters: [{ name: "events", right: ["an empty list"] }],
  },
  matrix: {
    call: library.matrix,
    given: [SOURCES, {}],
    parameters: [texts("manifests"), OPTIONS],
    options: [SETTINGS, bool("strict"), bool("complete")],
  },
  matrixChanges: {
    call: library.matrixChanges,
    given: [SOURCES, SOURCES, {}],
    parameters: [texts("before"), texts("after"), OPTIONS],
    options: [SETTINGS, bool("strict"), bool("complete")],
  },
  compare: {
    call: library.compare,
    given: [rules, rules, {}],
    parameters: [handle("left"), handle("right"), OPTIONS],
    options: LIMITS,
  },
  verify: {
    call: library.verify,
    given: [SOURCES, SOURCES, {}],
    parameters: [texts("manifests"), texts("texts"), OPTIONS],
    options: [...LIMITS, SETTINGS, word("mode"), bool("strictSource")],
  },
  "createClassifier of kpc/classifier": {
    call: classifierFile.createClassifier,
    given: [TABLE, { module: inline.engineBytes() }],
    // A table of other bytes is a TableError. Options without an engine: its file is beside the compiled module alone.
    parameters: [{ name: "table", right: ["bytes"] }, OPTIONS],
    options: CHOICE,
  },
  "createClassifier of kpc/classifier/inline": {
    call: inline.createClassifier,
    given: [TABLE, {}],
    parameters: [{ name: "table", right: ["bytes"] }, OPTIONS],
    options: CHOICE,
  },
  // The engine's file is beside the compiled module alone. Numbers out of range are a RangeError.
  shareTable: {
    call: classifierFile.shareTable,
    given: [TABLE, sharedEngine],
    parameters: [{ name: "table", right: ["bytes"] }, OPTIONS],
    options: [count("workers"), count("room")],
  },
  joinTable: {
    call: classifierFile.joinTable,
    given: [place, {}],
    parameters: [handle("place"), OPTIONS],
    options: CHOICE,
  },
  "SharedTable.replace": {
    call: shared.replace.bind(shared),
    given: [TABLE],
    parameters: [{ name: "table", right: ["bytes"] }],
  },
  "SharedTable.patch": {
    call: sharedFollowed.patch.bind(sharedFollowed),
    given: [followed.update([]).patch],
    parameters: [{ name: "patch", right: ["bytes"] }],
  },
  "createRouter of kpc/router": {
    call: routerFile.createRouter,
    given: [ROUTES],
    parameters: [{ name: "table", right: ["bytes"] }],
  },
  "Router.replace": {
    call: router.replace.bind(router),
    given: [ROUTES],
    parameters: [{ name: "table", right: ["bytes"] }],
  },
  packetFrom: {
    call: inline.packetFrom,
    given: [PACKET],
    parameters: [],
    options: [
      { name: "packet.protocol", right: ["zero", "seven"] },
      { name: "packet.source", right: [] },
      { name: "packet.destination", right: [] },
      port("packet.sourcePort"),
      port("packet.destinationPort"),
    ],
  },
  "Classifier.replace": {
    call: classifier.replace.bind(classifier),
    given: [TABLE],
    parameters: [{ name: "table", right: ["bytes"] }],
  },
  // Bytes that are no patch are a TableError.
  "Classifier.patch": {
    call: patched.patch.bind(patched),
    given: [followed.update([]).patch],
    parameters: [{ name: "patch", right: ["bytes"] }],
  },
  "Classifier.classify": {
    call: classifier.classify.bind(classifier),
    given: [PACKET, {}],
    parameters: [PACKET_PARAMETER, ARRIVAL],
    options: [IN_INTERFACE],
  },
  "Classifier.explain": {
    call: classifier.explain.bind(classifier),
    given: [PACKET, {}],
    parameters: [PACKET_PARAMETER, ARRIVAL],
    options: [IN_INTERFACE],
  },
  // Numbers out of range are a RangeError.
  "Classifier.classifyMany": {
    call: classifier.classifyMany.bind(classifier),
    given: [1, {}],
    parameters: [{ name: "batch", right: ["zero", "seven", "negative", "NaN", "bytes"] }, ARRIVAL],
    options: [IN_INTERFACE],
  },
  "Classifier.read": {
    call: classifier.read.bind(classifier),
    given: [classifier.classifyMany(1), 0],
    parameters: [
      { name: "batch", right: [] },
      { name: "index", right: ["zero", "seven", "negative", "NaN"] },
    ],
  },
};

/** What a call throws, or what its promise does. */
async function thrownBy(call: Row["call"], given: readonly unknown[]): Promise<unknown> {
  try {
    await call(...(given as readonly never[]));
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each(Object.entries(ROWS))("%s", (_, { call, given, parameters, options = [] }) => {
  const cases = [
    ...parameters.map((parameter, i) => ({
      parameter,
      given: (value: unknown) => given.map((right, j) => (i === j ? value : right)),
    })),
    ...options.map((parameter) => ({
      parameter,
      given: (value: unknown) => [
        ...given.slice(0, -1),
        { ...(given.at(-1) as object), [parameter.name.replace(/^.*\./, "")]: value },
      ],
    })),
  ];

  test("takes right arguments", async () => {
    expect(await thrownBy(call, given)).toBeUndefined();
  });

  test.each(cases)("$parameter.name", async ({ parameter: { name, right }, given }) => {
    for (const [value, wrong] of Object.entries(VALUES)) {
      const error = await thrownBy(call, given(wrong));
      if (right.includes(value)) {
        expect({ value, error }).not.toMatchObject({ error: expect.any(TypeError) });
        continue;
      }
      expect({ value, error }).toEqual({ value, error: expect.any(TypeError) });
      const [, named, rest] = /^([\w.]+)(?:\[0\])?: (.*)$/s.exec((error as Error).message) ?? [];
      // A member of the argument may be what is wrong.
      expect({ value, named }).toEqual({ value, named: expect.stringMatching(`^${name}(?:\\.source)?$`) });
      expect({ value, rest }).toEqual({ value, rest: expect.stringMatching(/^expected .*, found ./) });
    }
  });
});

test("each function of the package has a row", () => {
  const functions = Object.assign({}, library, inline, classifierFile, routerFile) as Readonly<Record<string, unknown>>;
  const names = Object.keys(functions).filter((name) => typeof functions[name] === "function");
  // TableError is thrown, not called; engineBytes takes nothing.
  const others = names.filter((name) => !Object.keys(ROWS).some((row) => row.split(" ")[0] === name));
  expect(others.sort()).toEqual(["TableError", "engineBytes"]);
});

describe("messages", () => {
  // Callers without types pass anything.
  const f = library as unknown as Readonly<Record<string, (...given: readonly unknown[]) => unknown>>;
  const messages: readonly (readonly [string, readonly unknown[], RegExp])[] = [
    ["compile", [], /^manifests: expected a list of \{name: string, text: string\}, found undefined$/],
    ["compile", ["kind: Service"], /^manifests: expected a list of .*, found "kind: Service"$/],
    [
      "compile",
      [["kind: Service"]],
      /^manifests\[0\]: expected \{name: string, text: string\}, found "kind: Service"$/,
    ],
    ["compile", [SOURCES, 7], /^options: expected an object, found 7$/],
    ["compile", [SOURCES, { node: "a" }], /^options: expected settings, strict, complete, found "node"$/],
    ["compile", [SOURCES, { strict: "yes" }], /^options.strict: expected a boolean, found "yes"$/],
    [
      "compile",
      [SOURCES, { settings: "mode: iptables" }],
      /^options.settings: expected an object or \{name, text\}, found "mode: iptables"$/,
    ],
    ["compileAll", [{}], /^manifests: expected a list of .*, found an object with no members$/],
    ["compileAll", [SOURCES, []], /^options: expected an object, found an array$/],
    ["readRules", ["table ip t {}"], /^texts: expected a list of /],
    [
      "readRules",
      [SOURCES, { names: {} }],
      /^options.names: expected rules that compile\(\) or readRules\(\) made, found an object with no members$/,
    ],
    [
      "print",
      [{ ...rules }, "nft"],
      /^rules: expected rules that compile\(\) or readRules\(\) made, found an object with from, node, mode$/,
    ],
    ["print", [rules, "yaml"], /^format: expected "nft" or "iptables" or "ip6tables" or "ir", found "yaml"$/],
    ["printBytes", [rules, "nft"], /^format: expected "tables" or "wasm" or "router", found "nft"$/],
    ["printBytes", [undefined, "tables"], /^rules: expected rules .*, found undefined$/],
    ["printBytes", [rules, "tables", 7], /^source: expected a string, found 7$/],
    ["evaluate", [rules, { source: "10.0.0.1" }], /^packet: expected a string, found an object with source$/],
    ["evaluate", [null, "tcp 1"], /^rules: expected rules .*, found null$/],
    ["trace", [rules], /^packet: expected a string, found undefined$/],
    ["trace", [undefined, "tcp 1"], /^rules: expected rules .*, found undefined$/],
    ["compare", [rules, "rules"], /^right: expected rules .*, found "rules"$/],
    ["compare", [7, rules], /^left: expected rules .*, found 7$/],
    ["compare", [rules, rules, { family: "ip" }], /^options.family: expected "IPv4" or "IPv6", found "ip"$/],
    ["verify", [SOURCES], /^texts: expected a list of .*, found undefined$/],
    ["verify", [SOURCES, SOURCES, { mode: "ipvs" }], /^options.mode: expected "nftables" or "iptables", found "ipvs"$/],
    ["verify", [[7], SOURCES, {}], /^manifests\[0\]: expected .*, found 7$/],
  ];

  test.each(messages)("%s(%j)", async (name, given, message) => {
    const error = await Promise.resolve()
      .then(() => f[name]?.(...given))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toMatch(message);
  });
});
