/** What is true of every program: later stages rely on it and do not look again.
 *  Long because it is a list of what has to hold, for each kind of thing in a program. */

import { ChainGraph } from "./chain-graph.ts";
import { MAX_COMMENT_LENGTH, MAX_JUMP_DEPTH, MAX_NAME_LENGTH } from "./constants.ts";
import { typeOf } from "./expression-type.ts";
import type { TlsTable } from "./routes.ts";
import { type AnySet, dataTypesOf, isForOthers, isMap, keyTypesOf } from "./sets.ts";
import type {
  AskedMap,
  AskedSet,
  BaseChain,
  DataType,
  Expression,
  InlineMap,
  InlineSet,
  KeyPart,
  MapDeclaration,
  Program,
  Rule,
  SetDeclaration,
  Statement,
  Step,
  Table,
  Value,
} from "./types.ts";
import { componentsOf, expressionsOf, isLast, partsOf } from "./walk.ts";

/** A promise that a program breaks: where, and which. */
export interface Violation {
  /** `table ip kpc, chain services`. */
  readonly where: string;
  readonly message: string;
}

/** All promises that `program` breaks; empty for a sound one. */
export function checkProgram({ ruleset, tls }: Program): Violation[] {
  const violations: Violation[] = [];
  const names = new Set<string>();
  for (const table of ruleset.tables) {
    const where = `table ${table.family} ${table.name}`;
    if (names.has(where)) violations.push({ where, message: "is there twice" });
    names.add(where);
    violations.push(...new TableChecker(table, where).check());
  }
  if (tls !== undefined) violations.push(...checkTls(tls));
  return violations;
}

/** The certificates that hosts name are there, and hosts and certificates have one row each. */
function checkTls({ certificates, hosts, fallback }: TlsTable): Violation[] {
  const known = new Set(certificates.map(({ name }) => name));
  const named = hosts.flatMap(({ host, certificate }) => (certificate === undefined ? [] : [{ host, certificate }]));
  const missing = named.filter(({ certificate }) => !known.has(certificate));
  return [
    ...missing.map(({ host, certificate }) => ({
      where: `host ${host}`,
      message: `has no certificate ${certificate}`,
    })),
    ...(fallback === undefined || known.has(fallback)
      ? []
      : [{ where: "tls", message: `has no certificate ${fallback}` }]),
    ...(known.size < certificates.length ? [{ where: "tls", message: "has a certificate twice" }] : []),
    ...(new Set(hosts.map(({ host }) => host)).size < hosts.length
      ? [{ where: "tls", message: "has a host twice" }]
      : []),
  ];
}

/** Bits of the numbers of each type; names have none. */
export const BITS: Readonly<Record<DataType, number>> = {
  ipv4_addr: 32,
  ipv6_addr: 128,
  ether_addr: 48,
  ether_type: 16,
  inet_proto: 8,
  inet_service: 16,
  mark: 32,
  classid: 32,
  integer: 32,
  ifname: 0,
  iface_index: 0,
  ct_state: 32,
  ct_status: 32,
  ct_dir: 8,
  fib_addrtype: 32,
  nf_proto: 8,
  icmp_type: 8,
  icmpv6_type: 8,
  icmp_code: 8,
  icmpv6_code: 8,
  tcp_flag: 8,
  pkt_type: 8,
  uid: 32,
  gid: 32,
  dscp: 6,
};

/** Hooks that each type of base chain has. */
const HOOKS: Readonly<Record<BaseChain["type"], readonly BaseChain["hook"][]>> = {
  filter: ["ingress", "prerouting", "input", "forward", "output", "postrouting", "egress"],
  nat: ["prerouting", "input", "output", "postrouting"],
  route: ["output"],
};

/** Base chains in which a translation is allowed. */
const NAT_HOOKS: Readonly<Partial<Record<Statement["kind"], readonly BaseChain["hook"][]>>> = {
  dnat: ["prerouting", "output"],
  redirect: ["prerouting", "output"],
  snat: ["input", "postrouting"],
  masquerade: ["postrouting"],
};

class TableChecker {
  private readonly table: Table;
  private readonly where: string;
  private readonly violations: Violation[] = [];
  private readonly graph: ChainGraph;
  private readonly sets: ReadonlyMap<string, SetDeclaration>;
  private readonly maps: ReadonlyMap<string, MapDeclaration>;

  constructor(table: Table, where: string) {
    this.table = table;
    this.where = where;
    this.graph = new ChainGraph(table);
    this.sets = new Map(table.sets.map((set) => [set.name, set]));
    this.maps = new Map(table.maps.map((map) => [map.name, map]));
  }

  check(): Violation[] {
    const { chains, sets, maps } = this.table;
    this.checkNames("chain", chains);
    this.checkNames("set or map", [...sets, ...maps]);
    for (const set of sets) this.checkSet(set);
    for (const map of maps) this.checkMap(map);
    for (const chain of chains) {
      if (chain.kind === "base") this.checkBase(chain);
      for (const rule of chain.rules) this.checkRule(rule, `chain ${chain.name}`);
    }
    this.checkDepth();
    return this.violations;
  }

  private fail(part: string, message: string): void {
    this.violations.push({ where: `${this.where}, ${part}`, message });
  }

  private checkNames(what: string, objects: readonly { readonly name: string; readonly comment?: string }[]): void {
    const seen = new Set<string>();
    for (const { name, comment } of objects) {
      if (seen.has(name)) this.fail(`${what} ${name}`, "is there twice");
      seen.add(name);
      if (!/^[\x21\x23-\x7e][\x20\x21\x23-\x7e]*$/.test(name) || name.length > MAX_NAME_LENGTH) {
        this.fail(`${what} ${JSON.stringify(name)}`, "has a name that cannot be printed");
      }
      this.checkComment(comment, `${what} ${name}`);
    }
  }

  private checkComment(comment: string | undefined, part: string): void {
    if (comment === undefined || (/^[\x20\x21\x23-\x7e]*$/.test(comment) && comment.length <= MAX_COMMENT_LENGTH))
      return;
    this.fail(part, "has a comment that cannot be printed");
  }

  // --- sets and maps -----------------------------------------------------------------------------------------------------

  private checkSet(set: SetDeclaration): void {
    if (set.dynamic !== undefined && set.elements.length > 0)
      this.fail(`set ${set.name}`, "is filled by rules and has elements");
    this.checkElements(set, set.interval, `set ${set.name}`);
  }

  private checkMap(map: MapDeclaration): void {
    this.checkElements(map, map.interval, `map ${map.name}`);
    this.checkValues(map, `map ${map.name}`);
  }

  private checkValues(map: MapDeclaration | InlineMap, part: string): void {
    const data = dataTypesOf(map);
    for (const { value } of map.elements) {
      if (data === "verdict") {
        if ("chain" in value) this.checkTarget(value.chain, part);
        else if (Array.isArray(value)) this.fail(part, "holds data instead of verdicts");
      } else if (!Array.isArray(value)) {
        this.fail(part, "holds verdicts instead of data");
      } else {
        this.checkParts(value as readonly Value[], data, false, part);
      }
    }
  }

  /** A set or map that stands in a rule. */
  private checkInline(set: InlineSet | InlineMap, part: string): void {
    this.checkElements(set, true, part);
    if (isMap(set)) this.checkValues(set, part);
  }

  private checkElements(set: AnySet, interval: boolean, part: string): void {
    const types = keyTypesOf(set);
    const exact = new Set<string>();
    const ranged = new Map<string, KeyPart[]>();
    let hasOthers = false;
    for (const { key, comment } of set.elements) {
      this.checkComment(comment, part);
      if (isForOthers(key)) {
        if (hasOthers) this.fail(part, "has two elements for all other keys");
        hasOthers = true;
        continue;
      }
      this.checkParts(key, types, interval, part);
      const last = key.at(-1);
      const isRanged = key.some((value) => typeof value === "object");
      if (isRanged && last !== undefined) {
        const head = JSON.stringify(key.slice(0, -1), (_, value: unknown) =>
          typeof value === "bigint" ? `${value}n` : value,
        );
        ranged.set(head, [...(ranged.get(head) ?? []), last]);
      } else {
        const text = key.join(" ");
        if (exact.has(text)) this.fail(part, `has the key ${text} twice`);
        exact.add(text);
      }
    }
    for (const parts of ranged.values()) {
      if (overlaps(parts)) this.fail(part, "has intervals that overlap");
    }
  }

  private checkParts(parts: readonly KeyPart[], types: readonly DataType[], interval: boolean, part: string): void {
    if (parts.length !== types.length) {
      this.fail(part, `has an element of ${parts.length} parts where ${types.length} are declared`);
      return;
    }
    for (const [i, value] of parts.entries()) {
      const type = types[i] as DataType;
      if (typeof value === "object") {
        if (!interval) this.fail(part, "has an interval and is not declared so");
        if (value.from > value.to) this.fail(part, "has an interval that ends before it begins");
        this.checkValue(value.from, type, part);
        this.checkValue(value.to, type, part);
      } else {
        this.checkValue(value, type, part);
      }
    }
  }

  private checkValue(value: Value, type: DataType, part: string): void {
    const bits = BITS[type];
    const fits =
      bits === 0
        ? typeof value === "string" && /^[\x21\x23-\x7e]{1,15}$/.test(value)
        : bits === 128
          ? typeof value === "bigint" && value >= 0n && value < 1n << 128n
          : typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** bits;
    if (!fits) this.fail(part, `has ${String(value)}, which is no ${type}`);
  }

  // --- chains ------------------------------------------------------------------------------------------------------------

  private checkBase(chain: BaseChain): void {
    const part = `chain ${chain.name}`;
    if (!HOOKS[chain.type].includes(chain.hook))
      this.fail(part, `is of type ${chain.type}, which hook ${chain.hook} does not have`);
    for (const reached of this.graph.reachableFrom([chain])) {
      for (const { steps } of reached.rules) {
        for (const step of steps) {
          const hooks = NAT_HOOKS[step.kind as Statement["kind"]];
          if (hooks !== undefined && (chain.type !== "nat" || !hooks.includes(chain.hook))) {
            this.fail(part, `leads to ${step.kind} in chain ${reached.name}, which is not allowed here`);
          }
        }
      }
    }
  }

  /** The kernel counts gotos as jumps when it looks for loops and depth. */
  private checkDepth(): void {
    const depths = new Map<string, number>();
    const open = new Set<string>();
    const depthOf = (name: string): number => {
      const known = depths.get(name);
      if (known !== undefined) return known;
      if (open.has(name)) {
        this.fail(`chain ${name}`, "leads back to itself");
        return 0;
      }
      open.add(name);
      const chain = this.graph.get(name);
      let depth = 0;
      for (const target of chain === undefined ? [] : new Set(this.graph.behind(chain)))
        depth = Math.max(depth, 1 + depthOf(target.name));
      open.delete(name);
      depths.set(name, depth);
      return depth;
    };
    for (const { name } of this.table.chains) {
      if (depthOf(name) >= MAX_JUMP_DEPTH)
        this.fail(`chain ${name}`, `leads through more than ${MAX_JUMP_DEPTH} chains`);
    }
  }

  private checkTarget(name: string, part: string): void {
    const target = this.graph.get(name);
    if (target === undefined) this.fail(part, `leads to chain ${name}, which is not there`);
    else if (target.kind === "base") this.fail(part, `leads to base chain ${name}`);
  }

  // --- rules -------------------------------------------------------------------------------------------------------------

  private checkRule(rule: Rule, part: string): void {
    this.checkComment(rule.comment, part);
    for (const [i, step] of rule.steps.entries()) {
      if (i < rule.steps.length - 1 && isLast(step)) this.fail(part, `has steps behind ${step.kind}`);
      this.checkStep(step, part);
    }
  }

  private checkStep(step: Step, part: string): void {
    switch (step.kind) {
      case "compare":
        this.checkExpression(step.left, part);
        if (step.left.kind !== "concat" && step.left.kind !== "opaque")
          this.checkValue(step.right, this.typeOf(step.left), part);
        break;
      case "within":
        this.checkExpression(step.left, part);
        if (step.intervals.length === 0) this.fail(part, "has a match that nothing is within");
        for (const { from, to } of step.intervals) {
          this.checkValue(from, this.typeOf(step.left), part);
          this.checkValue(to, this.typeOf(step.left), part);
        }
        if (overlaps(step.intervals)) this.fail(part, "has intervals that overlap");
        break;
      case "member":
        if (typeof step.set !== "string") this.checkInline(step.set, part);
        this.checkKey(
          step.key,
          typeof step.set === "string" ? this.sets.get(step.set) : step.set,
          nameOf("set", step.set),
          part,
        );
        break;
      case "remember": {
        const set = this.sets.get(step.set);
        this.checkKey(step.key, set, nameOf("set", step.set), part);
        if (set !== undefined && set.dynamic === undefined)
          this.fail(part, `fills set ${step.set}, which is not declared for it`);
        break;
      }
      case "vmap":
        this.checkAskedMap(step.key, step.map, true, part);
        break;
      case "dnat":
      case "snat":
        if (step.to.kind === "map") this.checkAskedMap(step.to.key, step.to.map, false, part);
        break;
      case "verdict":
        if ("chain" in step.verdict) this.checkTarget(step.verdict.chain, part);
        break;
      default:
        // All there is to say of others is said of their expressions.
        for (const expression of expressionsOf(step)) this.checkExpression(expression, part);
        break;
    }
  }

  private checkExpression(expression: Expression, part: string): void {
    switch (expression.kind) {
      case "shift":
        if (!Number.isInteger(expression.by) || Math.abs(expression.by) > 31)
          this.fail(part, `shifts by ${expression.by} bits`);
        break;
      case "numgen":
        if (expression.modulus < 1) this.fail(part, "has a random number below 1");
        break;
      case "lookup":
        this.checkAskedMap(expression.key, expression.map, false, part);
        return;
      default:
        // All there is to say of others is said of their parts.
        break;
    }
    for (const each of partsOf(expression)) this.checkExpression(each, part);
  }

  private checkAskedMap(key: Expression, asked: AskedMap, wantsVerdicts: boolean, part: string): void {
    const map = typeof asked === "string" ? this.maps.get(asked) : asked;
    const name = nameOf("map", asked);
    if (typeof asked !== "string") this.checkInline(asked, part);
    this.checkKey(key, map, name, part);
    if (map !== undefined && (map.data === "verdict") !== wantsVerdicts)
      this.fail(
        part,
        wantsVerdicts
          ? `takes verdicts from ${name}, which holds data`
          : `takes data from ${name}, which holds verdicts`,
      );
  }

  private checkKey(key: Expression, set: AnySet | undefined, what: string, part: string): void {
    this.checkExpression(key, part);
    if (set === undefined) {
      this.fail(part, `asks ${what}, which is not there`);
      return;
    }
    const types = componentsOf(key).map((each) => this.typeOf(each));
    const wanted = keyTypesOf(set);
    if (types.join() !== wanted.join())
      this.fail(part, `asks ${what} for ${types.join(" . ")}, its keys are ${wanted.join(" . ")}`);
  }

  private typeOf(expression: Expression): DataType {
    return typeOf(expression, this.table.family);
  }
}

function nameOf(kind: "set" | "map", asked: AskedSet | AskedMap): string {
  return typeof asked === "string" ? `${kind} ${asked}` : `a ${kind} in the rule`;
}

/** Whether two of `parts` share a value. */
function overlaps(parts: readonly KeyPart[]): boolean {
  const intervals = parts.map((part) => (typeof part === "object" ? part : { from: part, to: part }));
  const sorted = intervals.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  return sorted.some((interval, i) => i > 0 && interval.from <= (sorted[i - 1] as { to: Value }).to);
}
