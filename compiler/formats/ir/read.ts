/** The JSON that `printIr` prints, as a program. */
import type { DiagnosticCode, Report, Source } from "../../diagnostics.ts";
import { checkProgram } from "../../ir/check.ts";
import type {
  BaseChain,
  Chain,
  Program,
  Registration,
  RegularChain,
  Retired,
  Rule,
  Table,
  TableFamily,
  TableObject,
} from "../../ir/types.ts";
import { readListeningPort } from "./read-listeners.ts";
import { readHostRoutes } from "./read-routes.ts";
import { readMap, readSet } from "./read-sets.ts";
import { stepReader } from "./read-steps.ts";
import { readTlsTable } from "./read-tls.ts";
import {
  byKind,
  type JsonPlace,
  known,
  list,
  literal,
  Misshapen,
  member,
  object,
  oneOf,
  optional,
  type Reader,
  text,
  whole,
} from "./shape.ts";

/** The program in `source`; undefined where it is none, and where it breaks a promise that programs keep. Reports
 *  `json-syntax` and `rules-syntax`. Its rules have no places: they are those of the manifests that it was made from. */
export function readIr(source: Source, report: Report): Program | undefined {
  const error = (code: DiagnosticCode, message: string, start = 0): undefined => {
    report({ severity: "error", code, message, origin: { span: () => ({ source, start, end: start + 1 }) } });
    return undefined;
  };
  let value: unknown;
  try {
    value = JSON.parse(source.text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return error("json-syntax", `expected JSON: ${message}`, Number(/position (\d+)/.exec(message)?.[1] ?? 0));
  }
  try {
    const program = readProgram({ value, path: "", depth: 0 });
    const [violation, ...more] = checkProgram(program);
    if (violation === undefined) return program;
    const others = more.length > 0 ? `, and ${more.length} more like this` : "";
    return error("rules-syntax", `expected a sound program: ${violation.where} ${violation.message}${others}`);
  } catch (cause) {
    if (cause instanceof Misshapen) return error("rules-syntax", cause.message);
    throw cause;
  }
}

function readProgram(json: JsonPlace): Program {
  literal("kpc.dev/v1alpha1")(member(json, "apiVersion"));
  literal("Program")(member(json, "kind"));
  const tls = member(json, "tls");
  const listeners = member(json, "listeners");
  return {
    ruleset: object<Program["ruleset"]>({ tables: list(readTable), retired: optional(list(readRetired)) })(
      member(json, "ruleset"),
    ),
    routes: list(readHostRoutes)(member(json, "routes")),
    ...(tls.value === undefined ? {} : { tls: readTlsTable(tls) }),
    ...(listeners.value === undefined ? {} : { listeners: list(readListeningPort)(listeners) }),
  };
}

const FAMILY = oneOf<TableFamily>({ ip: 1, ip6: 1, inet: 1, arp: 1, bridge: 1, netdev: 1 });
const readRetired = object<Pick<Table, "family" | "name">>({ family: FAMILY, name: text });

const readObject = object<TableObject>({ head: text, lines: list(text) });

const readRetiredParts = object<Retired>({ sets: list(readSet), maps: list(readMap), chains: list(text) });

function readTable(json: JsonPlace): Table {
  const family = FAMILY(member(json, "family"));
  return object<Table>({
    family: known(family),
    name: text,
    dormant: optional(literal(true)),
    comment: optional(text),
    sets: list(readSet),
    maps: list(readMap),
    chains: list(chainReader(family)),
    objects: optional(list(readObject)),
    retired: optional(readRetiredParts),
  })(json);
}

function chainReader(family: TableFamily): Reader<Chain> {
  const rules = list(
    object<Omit<Rule, "origin">>({
      steps: list(stepReader(family)),
      comment: optional(text),
      whileReplacing: optional(literal(true)),
    }),
  );
  return byKind<Chain>({
    base: object<Omit<BaseChain, "origin">>({
      kind: literal("base"),
      name: text,
      type: oneOf<BaseChain["type"]>({ filter: 1, nat: 1, route: 1 }),
      hook: oneOf<BaseChain["hook"]>({
        prerouting: 1,
        input: 1,
        forward: 1,
        output: 1,
        postrouting: 1,
        ingress: 1,
        egress: 1,
      }),
      priority: whole(true),
      policy: oneOf<BaseChain["policy"]>({ accept: 1, drop: 1 }),
      device: optional(text),
      registered: optional(object<Registration>({ file: text, at: whole() })),
      comment: optional(text),
      rules,
    }),
    regular: object<RegularChain>({
      kind: literal("regular"),
      name: text,
      anonymous: optional(literal(true)),
      comment: optional(text),
      rules,
    }),
  });
}
