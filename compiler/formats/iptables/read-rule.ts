/** From the options of one rule to steps. */

import { addressField, equal } from "../../ir/build.ts";
import { anything } from "../../ir/repair.ts";
import type { Expression, Match, Rule, Statement, Step, WritableField } from "../../ir/types.ts";
import { parseAddress } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { prefixRange } from "../../net/prefix.ts";
import { meaningOf } from "../../words.ts";
import { combine, listsOf } from "./choice.ts";
import type { OptionText } from "./grammar.ts";
import { interfaceRefused, placeRefused, type RulePlace } from "./hook-rules.ts";
import { listedOptions } from "./listed.ts";
import {
  MATCH_READERS,
  type Masked,
  type MatchScope,
  parseMasked,
  prefixLength,
  testInterval,
  testMasked,
} from "./matches.ts";
import { certainly } from "./necessary.ts";
import { MATCH_OPTION_RULES, optionsRefused, TARGET_OPTION_RULES } from "./option-rules.ts";
import { CT_STATE_FIELD, TARGET_READERS } from "./targets.ts";
import { ENDING_TARGETS, OTHER_MATCHES, PASSING_TARGETS } from "./words.ts";

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

interface OpenUnit {
  readonly kind: "match" | "target";
  readonly name: string;
  readonly head: OptionText;
  readonly options: OptionText[];
}

/** Long names of the options that belong to no extension. */
const HEAD_OPTIONS: Readonly<Record<string, string>> = {
  "-s": "-s",
  "--source": "-s",
  "--src": "-s",
  "-d": "-d",
  "--destination": "-d",
  "--dst": "-d",
  "-i": "-i",
  "--in-interface": "-i",
  "-o": "-o",
  "--out-interface": "-o",
  "-p": "-p",
  "--protocol": "-p",
  "--proto": "-p",
  "-f": "-f",
  "--fragment": "-f",
  "-4": "-4",
  "--ipv4": "-4",
  "-6": "-6",
  "--ipv6": "-6",
  "-c": "-c",
  "--set-counters": "-c",
  "-m": "-m",
  "--match": "-m",
  "-j": "-j",
  "--jump": "-j",
  "-g": "-g",
  "--goto": "-g",
};

/** Words that each of them takes. */
const HEAD_WORDS: Readonly<Record<string, number>> = { "-f": 0, "-4": 0, "-6": 0 };

/** That one line becomes because of its choices. */
const MAX_RULES = 64;

/** Extensions that one of the tools has (1.8.9: the other cannot load them). */
const FAMILY_OF_MATCH: Readonly<Record<string, "ip" | "ip6">> = {
  dst: "ip6",
  eui64: "ip6",
  frag: "ip6",
  hbh: "ip6",
  hl: "ip6",
  ipv6header: "ip6",
  mh: "ip6",
  rt: "ip6",
  srh: "ip6",
  realm: "ip",
  ttl: "ip",
};

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
    const target = this.units.find(({ kind }) => kind === "target");
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
    if (head === "-c" && !/^[0-9]+[ ,][0-9]+$/.test(option.values.join(" "))) {
      this.fail("expected two counters, of packets and bytes", option);
      return;
    }
    const wanted = HEAD_WORDS[head] ?? 1;
    if (head !== "-c" && option.values.length !== wanted) {
      this.fail(`expected ${wanted === 0 ? "no word" : "one word"} behind ${option.name}`, option);
      return;
    }
    this.takeHead(head, option);
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
    const [name = ""] = option.values;
    const left: Expression = { kind: "meta", key: head === "-i" ? "iifname" : "oifname" };
    const { negated } = option;
    const misplaced = interfaceRefused(head, this.scope);
    if (misplaced !== undefined) this.fail(misplaced, option);
    else if (name === "" || name.length > 15 || /[\s"]/.test(name))
      this.fail("expected the name of an interface, at most 15 characters", option);
    else if (!name.endsWith("+"))
      this.steps.push({ kind: "compare", left, operator: negated ? "!=" : "==", right: name });
    else if (name !== "+" || negated)
      this.steps.push({ kind: "name-prefix", left, negated, prefix: name.slice(0, -1) });
  }

  private takeProtocol(option: OptionText): void {
    const [text = ""] = option.values;
    const protocol = text.toLowerCase() === "all" ? 0 : parseProtocol(text);
    if (protocol === undefined) this.fail("expected a protocol, by name or number", option);
    else if (protocol === 0 && option.negated)
      this.fail("expected a protocol that there is: none is not all of them", option);
    else if (protocol !== 0) {
      const left: Expression = { kind: "meta", key: "l4proto" };
      this.named = protocol;
      if (!option.negated) this.protocol = protocol;
      this.steps.push(
        option.negated ? { kind: "compare", left, operator: "!=", right: protocol } : equal(left, protocol),
      );
    }
  }

  private takeModule(name: string, option: OptionText): void {
    const known = name === "icmpv6" ? "icmp6" : name;
    if (known !== "comment" && meaningOf(MATCH_READERS, known) === undefined && !OTHER_MATCHES.has(known))
      this.note(`unknown iptables match ${JSON.stringify(name)}`, option);
    this.units.push({ kind: "match", name: known, head: option, options: [] });
  }

  /** An extension of another host: its rule is read around it. */
  private note(message: string, option: OptionText): void {
    this.scope.fail(message, option);
  }

  private takeTarget(name: string, option: OptionText): void {
    if (
      meaningOf(TARGET_READERS, name) !== undefined ||
      meaningOf(PASSING_TARGETS, name) !== undefined ||
      ENDING_TARGETS.has(name)
    ) {
      this.units.push({ kind: "target", name, head: option, options: [] });
    } else {
      this.verdict = { kind: "verdict", verdict: { kind: "jump", chain: name } };
    }
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
    const unknown = this.units.findLast((unit) => optionsOf(unit) === undefined);
    if (implicit !== undefined && name !== undefined) {
      this.units.push(implicit);
      this.add(implicit, { ...option, name });
    } else if (unknown !== undefined) {
      unknown.options.push(option);
    } else if (implicit !== undefined && optionsOf(implicit) === undefined && option.name.startsWith("--")) {
      implicit.options.push(option);
      this.units.push(implicit);
    } else {
      this.fail(`unknown option ${option.name}`, option);
    }
  }

  private add(unit: OpenUnit, option: OptionText): void {
    const wanted = optionsOf(unit)?.[option.name] ?? 1;
    if (option.values.length !== wanted)
      this.fail(`expected ${wanted} ${wanted === 1 ? "word" : "words"} behind ${option.name}`, option);
    else unit.options.push(option);
  }

  /** `-p tcp --dport 80` loads the match of the protocol's name. */
  private implicitModule(): OpenUnit | undefined {
    const names: Readonly<Record<number, string>> = {
      1: "icmp",
      6: "tcp",
      17: "udp",
      33: "dccp",
      50: "esp",
      51: "ah",
      58: "icmp6",
      108: "ipcomp",
      132: "sctp",
      135: "mh",
      136: "udplite",
    };
    const name = this.protocol === undefined ? undefined : names[this.protocol];
    if (name === undefined || this.units.some((unit) => unit.name === name)) return undefined;
    const head: OptionText = { negated: false, name: "-m", values: [name], start: 0, end: 0 };
    return { kind: "match", name, head, options: [] };
  }

  // --- extensions --------------------------------------------------------------------------------------------------------

  private readMatch(unit: OpenUnit, scope: MatchScope): void {
    const reader = meaningOf(MATCH_READERS, unit.name);
    if (unit.name === "comment") {
      const text = unit.options[0]?.values[0];
      if (text === undefined) this.fail("expected --comment and a text", unit.head);
      else this.comment = this.comment === undefined ? text : `${this.comment} ${text}`;
      return;
    }
    const family = meaningOf(FAMILY_OF_MATCH, unit.name);
    if (family !== undefined && family !== this.scope.family) {
      const tool = family === "ip" ? "iptables" : "ip6tables";
      this.fail(`expected a match for this family: only ${tool} has -m ${unit.name}`, unit.head);
      return;
    }
    if (this.lacksProtocol(unit)) {
      this.fail(`expected -p ${unit.name === "icmp6" ? "ipv6-icmp" : unit.name} with -m ${unit.name}`, unit.head);
      return;
    }
    if (this.refuses(unit, meaningOf(MATCH_OPTION_RULES, unit.name))) return;
    const found = reader?.read(unit, scope);
    if (typeof found === "string") this.fail(found, unit.options[0] ?? unit.head);
    else if (found === undefined || !this.takeLists(listsOf(found)))
      this.takeUnknown(opaqueMatch(withDefaults(unit, scope)));
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
  private refuses(unit: OpenUnit, rules: Parameters<typeof optionsRefused>[1]): boolean {
    // What is missing may be what has been reported.
    const found = this.failed ? undefined : optionsRefused(unit, rules);
    const misplaced = this.failed || found !== undefined ? undefined : placeRefused(unit, this.scope);
    if (found !== undefined) this.fail(found.message, found.option ?? unit.head);
    else if (misplaced !== undefined) this.fail(misplaced, unit.head);
    return found !== undefined || misplaced !== undefined;
  }

  private lacksProtocol({ name }: OpenUnit): boolean {
    const numbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 };
    const wanted = numbers[name];
    return wanted !== undefined && this.protocol !== wanted;
  }

  private readTarget(unit: OpenUnit, scope: MatchScope): void {
    if (this.refuses(unit, meaningOf(TARGET_OPTION_RULES, unit.name))) return;
    const found = meaningOf(TARGET_READERS, unit.name)?.read(unit, scope);
    if (typeof found === "string") this.fail(found, unit.options[0] ?? unit.head);
    else if (found !== undefined && translatesPorts(found) && !WITH_PORTS.has(this.named ?? 0))
      this.fail("expected -p tcp, udp, sctp or dccp beside a translation of ports", unit.options[0] ?? unit.head);
    else this.verdict = found ?? opaqueTarget(withDefaults(unit, scope));
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
    const parsed = parseMasked(text, family);
    if (parsed !== undefined)
      return maskedTest(addressField(family === "ip" ? "IPv4" : "IPv6", field), parsed, option.negated);
    const name = field === "saddr" ? "-s" : "-d";
    if (/^[0-9.]+(\/|$)/.test(text) || parseAddress(text.split("/", 1)[0] ?? "") !== undefined)
      this.scope.fail(`expected an address of ${family === "ip" ? "IPv4" : "IPv6"}`, option);
    // A host's name means what it resolves to when the rules are loaded.
    const spelled = option.negated ? { spelled: `! ${name} ${text}` } : {};
    return [{ kind: "opaque", text: `${name} ${text}`, negated: option.negated, ...spelled }];
  }
}

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

function maskedTest(field: Expression, { address, mask }: Masked, negated: boolean): Step[] {
  const length = prefixLength(mask);
  if (length === undefined) return [testMasked(field, mask, address, negated)];
  if (length === 0 && !negated) return [];
  return [testInterval(field, prefixRange({ address, length } as Parameters<typeof prefixRange>[0]), negated)];
}

/** The options that an extension is known to have; undefined when any may be its own. */
function optionsOf({ kind, name }: OpenUnit): Readonly<Record<string, number>> | undefined {
  if (kind === "target") return meaningOf(TARGET_READERS, name)?.options;
  return name === "comment" ? { "--comment": 1 } : meaningOf(MATCH_READERS, name)?.options;
}

/** The full name of an option of `unit`: abbreviations are allowed where they are clear (getopt_long). */
function optionOf(unit: OpenUnit, text: string): string | undefined {
  const options = optionsOf(unit);
  if (options === undefined || !text.startsWith("--")) return undefined;
  if (Object.hasOwn(options, text)) return text;
  const aliases =
    (unit.kind === "target"
      ? meaningOf(TARGET_READERS, unit.name)?.aliases
      : meaningOf(MATCH_READERS, unit.name)?.aliases) ?? {};
  if (Object.hasOwn(aliases, text)) return meaningOf(aliases, text);
  const longer = Object.keys(options).filter((name) => name.startsWith(text));
  return longer.length === 1 ? longer[0] : undefined;
}

// --- what is not understood ----------------------------------------------------------------------------------------------

function spell({ negated, name, values }: OptionText): string {
  return [negated ? `! ${name}` : name, ...values.map(spellWord)].join(" ");
}

function spellWord(word: string): string {
  return /^[^\s"\\!]+$/.test(word) ? word : `"${word.replace(/(["\\])/g, "\\$1")}"`;
}

/** `unit` with its options as iptables lists them. */
function withDefaults(unit: OpenUnit, { family }: MatchScope): OpenUnit {
  return { ...unit, options: [...listedOptions(unit.name, unit.options, family)] };
}

/** One negated option is the negation of the match. */
function opaqueMatch({ name, options }: OpenUnit): Extract<Match, { kind: "opaque" }> {
  const spelled = [`-m ${name}`, ...options.map(spell)].join(" ");
  const [only, ...more] = options;
  // It only counts, unless somebody gave its object a quota, which no rule tells (nfnl_acct_match_mt).
  if (name === "nfacct" && only !== undefined)
    return { kind: "opaque", text: `the nfacct object ${only.values[0]} has no quota left`, negated: false, spelled };
  if (only === undefined || more.length > 0 || !only.negated) return { kind: "opaque", text: spelled, negated: false };
  return { kind: "opaque", text: `-m ${name} ${spell({ ...only, negated: false })}`, negated: true, spelled };
}

const WRITES: Readonly<Record<"mark" | "ct mark" | "ct state", WritableField>> = {
  mark: { kind: "meta", key: "mark" },
  "ct mark": { kind: "ct", key: "mark" },
  "ct state": CT_STATE_FIELD,
};

/** Levels of syslog, by number. */
const LOG_LEVELS = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

/** Levels are listed as numbers, and the usual one is not. */
function logOption(option: OptionText): OptionText[] {
  if (option.name !== "--log-level") return [option];
  const [text = ""] = option.values;
  const level = /^[0-7]$/.test(text)
    ? Number(text)
    : LOG_LEVELS.findIndex((name) => name.startsWith(text.toLowerCase()));
  if (level < 0) return [option];
  return level === 4 ? [] : [{ ...option, values: [String(level)] }];
}

function opaqueTarget({ name, options }: OpenUnit): Statement {
  const text = [`-j ${name}`, ...(name === "LOG" ? options.flatMap(logOption) : options).map(spell)].join(" ");
  const passing = meaningOf(PASSING_TARGETS, name);
  // CT without --notrack, MARK and the like whose options are not understood.
  const fields = name === "CT" ? [] : (passing ?? ["mark"]);
  const writes = fields.map((field) => WRITES[field]);
  return {
    kind: "opaque-statement",
    text,
    terminal: passing === undefined,
    ...(writes.length === 0 ? {} : { writes }),
  };
}

/** A rule that iptables would not take may do anything. */
export function refused(options: readonly OptionText[]): Statement {
  return anything(options.map(spell).join(" "));
}
