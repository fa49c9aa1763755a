/** From the options of one rule to steps. */

import type { Rule, Statement, Step } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import { combine, isRefused, listsOf, refuse } from "./choice.ts";
import { MATCHES } from "./extensions/matches.ts";
import type { MatchScope } from "./extensions/row.ts";
import { TARGETS } from "./extensions/targets.ts";
import type { OptionText } from "./grammar.ts";
import {
  HEAD_OPTIONS,
  isMeantAsAddress,
  readAddress,
  readInterface,
  readProtocol,
  testProtocol,
} from "./head-options.ts";
import { interfaceRefused, placeRefused, type RulePlace } from "./hook-rules.ts";
import { certainly } from "./necessary.ts";
import { type OpenMatch, type OpenTarget, type OpenUnit, opaqueMatch, opaqueTarget, refused } from "./opaque-units.ts";
import { optionsRefused } from "./option-rules.ts";

/** What a rule stands in. */
export interface RuleScope extends Omit<MatchScope, "protocol">, RulePlace {
  /** Reports what iptables would refuse: what was expected at an option. */
  readonly fail: (message: string, option: OptionText) => void;
}

/** A rule as it was read. Lists of addresses make several. */
export type ReadRule = Pick<Rule, "steps" | "comment">;

/** The rules that `options`, those behind `-A CHAIN`, stand for. What iptables would refuse is reported, and kept as
 *  opaque. */
export function readRule(options: readonly OptionText[], scope: RuleScope): ReadRule[] {
  return new RuleReader(scope).read(options);
}

/** That one line becomes because of its choices. */
const MAX_RULES = 64;

const IPV4_ONLY = ["-4", "--ipv4"];
const IPV6_ONLY = ["-6", "--ipv6"];

class RuleReader {
  private readonly scope: RuleScope;
  private readonly steps: Step[] = [];
  private readonly addresses: { readonly field: "saddr" | "daddr"; readonly option: OptionText }[] = [];
  private readonly units: OpenUnit[] = [];
  /** Of each of these one list of matches holds, or none. */
  private readonly choices: (readonly (readonly Step[])[])[] = [];
  private protocol: number | undefined;
  /** The protocol that `-p` names, also behind `!`. */
  private named: number | undefined;
  private comment: string | undefined;
  private verdict: Statement | undefined;
  private failed = false;

  constructor(scope: RuleScope) {
    this.scope = scope;
  }

  read(options: readonly OptionText[]): ReadRule[] {
    // One file for both families: the tool of one leaves out the rules of the other.
    const other = this.scope.family === "ip" ? IPV6_ONLY : IPV4_ONLY;
    if (options.some(({ name }) => other.includes(name))) return [];
    for (const option of options) this.take(option);
    if (this.units.length > 0) this.readUnits();
    const lists = this.addressLists();
    if (this.failed) return [{ steps: [refused(options)] }];
    if (this.verdict !== undefined) this.steps.push(this.verdict);
    const comment = this.comment === undefined ? {} : { comment: this.comment };
    const tails =
      this.choices.length === 0
        ? [this.steps]
        : this.choices.reduce<Step[][]>(combine, [[]]).map((chosen) => [...chosen, ...this.steps]);
    return combine(lists, tails).map((steps) => ({ steps, ...comment }));
  }

  private readUnits(): void {
    const { family, table, translates, affinity, ipset } = this.scope;
    const scope: MatchScope = { family, table, translates, affinity, ipset, protocol: this.protocol };
    for (const unit of this.units) if (unit.kind === "match") this.readMatch(unit, scope);
    const target = this.units.find((unit) => unit.kind === "target");
    if (target !== undefined) this.readTarget(target, scope);
  }

  private fail(message: string, option: OptionText): void {
    this.failed = true;
    this.scope.fail(message, option);
  }

  // --- options -----------------------------------------------------------------------------------------------------------

  private take(option: OptionText): void {
    const head = meaningOf(HEAD_OPTIONS, option.name);
    if (head === undefined) {
      this.takeExtension(option);
      return;
    }
    const [name, wanted] = head;
    if (name === "-c" && !/^[0-9]+[ ,][0-9]+$/.test(option.values.join(" ")))
      this.fail("expected two counters, of packets and bytes", option);
    else if (wanted !== undefined && option.values.length !== wanted)
      this.fail(`expected ${wanted === 0 ? "no word" : "one word"} behind ${option.name}`, option);
    else this.takeHead(name, option);
  }

  private takeHead(head: string, option: OptionText): void {
    const [value = ""] = option.values;
    switch (head) {
      case "-s":
      case "-d":
        this.addresses.push({ field: head === "-s" ? "saddr" : "daddr", option });
        break;
      case "-i":
      case "-o":
        this.takeInterface(head, option);
        break;
      case "-p":
        this.takeProtocol(option);
        break;
      case "-f":
        this.steps.push({
          kind: "opaque",
          text: "-f",
          negated: option.negated,
          ...(option.negated ? { spelled: "! -f" } : {}),
        });
        break;
      case "-m":
        this.takeModule(value, option);
        break;
      case "-j":
      case "-g":
        if (this.verdict !== undefined || this.units.some(({ kind }) => kind === "target"))
          this.fail("expected one target", option);
        else if (head === "-g") this.verdict = { kind: "verdict", verdict: { kind: "goto", chain: value } };
        else this.takeTarget(value, option);
        break;
      default: // -c, -4, -6: no part of the rule
        break;
    }
  }

  private takeInterface(head: "-i" | "-o", option: OptionText): void {
    const misplaced = interfaceRefused(head, this.scope);
    const read = misplaced === undefined ? readInterface(head, option) : refuse(misplaced);
    if (isRefused(read)) this.fail(read.refused, option);
    else this.steps.push(...read);
  }

  private takeProtocol(option: OptionText): void {
    const protocol = readProtocol(option);
    if (typeof protocol === "object") this.fail(protocol.refused, option);
    else if (protocol !== 0) {
      this.named = protocol;
      if (!option.negated) this.protocol = protocol;
      this.steps.push(testProtocol(protocol, option.negated));
    }
  }

  /** An extension of another host is reported, and its rule is read around it. */
  private takeModule(text: string, option: OptionText): void {
    const name = text === "icmpv6" ? "icmp6" : text;
    const row = meaningOf(MATCHES, name);
    if (row === undefined) this.scope.fail(`unknown iptables match ${JSON.stringify(text)}`, option);
    this.units.push({ kind: "match", name, row, head: option, options: [] });
  }

  private takeTarget(name: string, option: OptionText): void {
    const row = meaningOf(TARGETS, name);
    if (row === undefined) this.verdict = { kind: "verdict", verdict: { kind: "jump", chain: name } };
    else this.units.push({ kind: "target", name, row, head: option, options: [] });
  }

  /** An option belongs to the last extension that has it; to the protocol's own where that was not loaded by name; else
   *  to the last extension whose options are not known here. */
  private takeExtension(option: OptionText): void {
    for (let i = this.units.length - 1; i >= 0; i--) {
      const unit = this.units[i] as OpenUnit;
      const name = optionOf(unit, option.name);
      if (name !== undefined) {
        this.add(unit, { ...option, name });
        return;
      }
    }
    const implicit = this.implicitModule();
    const name = implicit === undefined ? undefined : optionOf(implicit, option.name);
    const unknown = this.units.findLast((unit) => unit.row?.options === undefined);
    if (implicit !== undefined && name !== undefined) {
      this.units.push(implicit);
      this.add(implicit, { ...option, name });
    } else if (unknown !== undefined) {
      unknown.options.push(option);
    } else if (implicit !== undefined && implicit.row?.options === undefined && option.name.startsWith("--")) {
      implicit.options.push(option);
      this.units.push(implicit);
    } else {
      this.fail(`unknown option ${option.name}`, option);
    }
  }

  private add(unit: OpenUnit, option: OptionText): void {
    const wanted = unit.row?.options?.[option.name] ?? 1;
    if (option.values.length !== wanted)
      this.fail(`expected ${wanted} ${wanted === 1 ? "word" : "words"} behind ${option.name}`, option);
    else unit.options.push(option);
  }

  /** `-p tcp --dport 80` loads the match of the protocol's name. */
  private implicitModule(): OpenMatch | undefined {
    const name = this.protocol === undefined ? undefined : MATCH_OF_PROTOCOL.get(this.protocol);
    if (name === undefined || this.units.some((unit) => unit.name === name)) return undefined;
    const head: OptionText = { negated: false, name: "-m", values: [name], start: 0, end: 0 };
    return { kind: "match", name, row: MATCHES[name], head, options: [] };
  }

  // --- extensions --------------------------------------------------------------------------------------------------------

  private readMatch(unit: OpenMatch, scope: MatchScope): void {
    if (unit.name === "comment") {
      this.takeComment(unit);
      return;
    }
    const { family, protocol, read } = unit.row ?? {};
    if (family !== undefined && family !== this.scope.family) {
      const tool = family === "ip" ? "iptables" : "ip6tables";
      this.fail(`expected a match for this family: only ${tool} has -m ${unit.name}`, unit.head);
      return;
    }
    if (protocol?.isNeeded && protocol.number !== this.protocol) {
      this.fail(`expected -p ${unit.name === "icmp6" ? "ipv6-icmp" : unit.name} with -m ${unit.name}`, unit.head);
      return;
    }
    if (this.refuses(unit)) return;
    const found = read?.(unit, scope);
    if (isRefused(found)) this.fail(found.refused, unit.options[0] ?? unit.head);
    else if (found === undefined || !this.takeLists(listsOf(found))) this.takeUnknown(opaqueMatch(unit, scope));
  }

  private takeComment({ options: [option], head }: OpenMatch): void {
    const text = option?.values[0];
    if (text === undefined) this.fail("expected --comment and a text", head);
    else this.comment = this.comment === undefined ? text : `${this.comment} ${text}`;
  }

  /** Whether the rule may become one for each of `lists`: a line makes no more than `MAX_RULES`. */
  private takeLists(lists: readonly (readonly Step[])[]): boolean {
    const [only = [], ...more] = lists;
    const made = this.choices.reduce((product, { length }) => product * length, lists.length);
    if (more.length === 0) this.steps.push(...only);
    else if (made <= MAX_RULES) this.choices.push(lists);
    return more.length === 0 || made <= MAX_RULES;
  }

  /** What is not understood may still be certain for some packets: then the rule is one for them and one for the others. */
  private takeUnknown(unknown: ReturnType<typeof opaqueMatch>): void {
    if (!this.takeLists(certainly(unknown))) this.steps.push(unknown);
  }

  /** Whether iptables does not take the options of `unit`, which is reported. */
  private refuses(unit: OpenUnit): boolean {
    // What is missing may be what has been reported.
    const found = this.failed ? undefined : optionsRefused(unit, unit.row?.asks);
    const what = unit.kind === "target" ? unit.name : `-m ${unit.name}`;
    const misplaced =
      this.failed || found !== undefined
        ? undefined
        : placeRefused(what, unit.options, unit.row?.placement, this.scope);
    if (found !== undefined) this.fail(found.message, found.option ?? unit.head);
    else if (misplaced !== undefined) this.fail(misplaced, unit.head);
    return found !== undefined || misplaced !== undefined;
  }

  private readTarget(unit: OpenTarget, scope: MatchScope): void {
    if (this.refuses(unit)) return;
    const found = unit.row.read?.(unit, scope);
    if (found === undefined) this.verdict = opaqueTarget(unit, scope);
    else if (isRefused(found)) this.fail(found.refused, unit.options[0] ?? unit.head);
    else if (translatesPorts(found) && !WITH_PORTS.has(this.named ?? 0))
      this.fail("expected -p tcp, udp, sctp or dccp beside a translation of ports", unit.options[0] ?? unit.head);
    else this.verdict = found;
  }

  // --- addresses ---------------------------------------------------------------------------------------------------------

  /** One list of tests for each combination of the addresses listed. */
  private addressLists(): Step[][] {
    let lists: Step[][] = [[]];
    for (const { field, option } of this.addresses) {
      const texts = (option.values[0] ?? "").split(",");
      if (texts.length > 1 && option.negated) this.fail("expected one address behind a negation", option);
      lists = combine(
        lists,
        texts.map((text) => this.addressTest(field, text, option)),
      );
    }
    return lists;
  }

  private addressTest(field: "saddr" | "daddr", text: string, option: OptionText): Step[] {
    const { family } = this.scope;
    const steps = readAddress(field, text, option.negated, family);
    if (steps[0]?.kind === "opaque" && isMeantAsAddress(text))
      this.scope.fail(`expected an address of ${family === "ip" ? "IPv4" : "IPv6"}`, option);
    return steps;
  }
}

/** By number. */
const MATCH_OF_PROTOCOL: ReadonlyMap<number, string> = new Map(
  Object.entries(MATCHES).flatMap(([name, { protocol }]) => (protocol === undefined ? [] : [[protocol.number, name]])),
);

/** TCP, UDP, DCCP and SCTP, and ICMP, of which the identifier is translated; also behind `!` (libxt_NAT). */
const WITH_PORTS: ReadonlySet<number> = new Set([1, 6, 17, 33, 132]);

function translatesPorts(statement: Statement): boolean {
  switch (statement.kind) {
    case "dnat":
    case "snat":
      return statement.to.kind === "literal" && statement.to.ports !== undefined;
    case "masquerade":
    case "redirect":
      return statement.ports !== undefined;
    default:
      // No other statement translates.
      return false;
  }
}

/** The full name of an option of `unit`: abbreviations are allowed where they are clear (getopt_long). */
function optionOf(unit: OpenUnit, text: string): string | undefined {
  const { options, aliases } = unit.row ?? {};
  if (options === undefined || !text.startsWith("--")) return undefined;
  if (Object.hasOwn(options, text)) return text;
  const alias = aliases === undefined ? undefined : meaningOf(aliases, text);
  if (alias !== undefined) return alias;
  const longer = Object.keys(options).filter((name) => name.startsWith(text));
  return longer.length === 1 ? longer[0] : undefined;
}
