/** Rules that were cut out of a dump (`iptables-save | grep KUBE`), with what shells and grep put around them. */
import { BUILT_IN_CHAINS, type IptablesTable, TABLES } from "./hooks.ts";
import type { Listing } from "./listings.ts";
import { type LineBounds, linesWith } from "./text-lines.ts";

/** How a text is read that no tool printed just so. */
export interface Repaired {
  /** As long as the text that was given, so that all places stay: blanks stand for what is not of iptables. */
  readonly text: string;
  /** Of a text without *TABLE lines: which table its parts are of. None where the text says so itself. */
  readonly sections: readonly Section[];
}

/** Lines in a row that are of one table. */
export interface Section extends Listing {
  readonly family?: "ip" | "ip6";
  /** It is no whole listing: chains that rules name are there, although nothing declares them. */
  readonly isPart: boolean;
}

/** `text` without line numbers of grep and cat, names of files, and prompts; and of which tables its lines are where nothing
 *  says so. */
export function repair(text: string): Repaired {
  const whole = withoutPrefixes(text);
  // What grep puts between lines that are apart. Most texts begin no line so.
  const isParted = whole.startsWith("--") || ["\n", ...OTHER_LINE_ENDS].some((end) => whole.includes(`${end}--`));
  const plain = isParted ? whole.replace(/^--(?=\r?$)/gm, "  ") : whole;
  const prompts: Prompt[] = [];
  const bare = changeLines(plain, linesWith(plain, "tables"), (line, at) =>
    line.replace(PROMPT, (call, ip, save, options, place) => {
      if (/ -(?:[AIDRNXFPZE]|-append|-insert|-delete|-policy)\b/.test(options.split(/[|;&]/, 1)[0] ?? "")) return call;
      const start = at + place;
      prompts.push({ start, end: start + call.length, family: ip, table: tableOfPrompt(save, options) });
      return " ".repeat(call.length);
    }),
  );
  if (/^\s*\*[ \t]*[a-z]+\s*$/m.test(bare)) return { text: bare, sections: [] };
  return { text: bare, sections: sectionsOf(bare, prompts) };
}

/** `57:`, `dump.v4:57:`, `57-`, of `cat -n` and `nl`, and the mark of quoted mail; before a line of a dump. */
const PREFIX =
  /^(?:>+ ?|(?:[\w./-]*[\w/](?::\d+)?|\d+)[:-]|[ \t]*\d+[ \t]+)(?=-[ANPI] \S|:[A-Z][\w-]* (?:ACCEPT|DROP|-)|\*[a-z]+\s*$|COMMIT\s*$|\[\d+:\d+\] -A|# (?:Generated|Completed))/gm;

/** A call of iptables or iptables-save, behind a prompt or not. */
const PROMPT =
  /^(?:\S[^\n]*?[#$%>] *|[#$] +)?(?:sudo +)?(?:\/\S*\/)?(ip6?)tables(?:-nft|-legacy)?(-save)?\b([^\n]*)$/gm;

function withoutPrefixes(text: string): string {
  const blank = (line: string): string => line.replace(PREFIX, (prefix) => " ".repeat(prefix.length));
  // Where only "\n" ends lines, a look at how each begins is enough: a dump has a million.
  return OTHER_LINE_ENDS.some((end) => text.includes(end)) ? blank(text) : changeLines(text, oddLines(text), blank);
}

/** Of what `^` takes for the end of a line. */
const OTHER_LINE_ENDS = ["\r", "\u2028", "\u2029"];

/** Lines that begin with neither a rule nor a chain: before those no prefix can stand. */
function* oddLines(text: string): Generator<LineBounds> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    if (!text.startsWith("-A ", start) && !text.startsWith(":", start)) yield { start, end };
    start = end + 1;
  }
}

/** `text` with what `change` makes of `lines`, which are in their order. `at`: where the line begins. */
function changeLines(text: string, lines: Iterable<LineBounds>, change: (line: string, at: number) => string): string {
  let made = "";
  let done = 0;
  for (const { start, end } of lines) {
    const line = text.slice(start, end);
    const changed = change(line, start);
    if (changed === line) continue;
    made += text.slice(done, start) + changed;
    done = end;
  }
  return made + text.slice(done);
}

interface Prompt {
  readonly start: number;
  readonly end: number;
  readonly family: "ip" | "ip6";
  readonly table: IptablesTable | undefined;
}

function tableOfPrompt(save: string | undefined, options: string): IptablesTable | undefined {
  const [own = ""] = options.split(/[|;&]/, 1);
  const named = / (?:-t|--table)[ =]*(\w+)/.exec(own)?.[1];
  const table = TABLES.find((each) => each === named);
  return table ?? (save === undefined && / -(?:[A-Za-z]*S|-list-rules)\b/.test(own) ? "filter" : undefined);
}

// --- sections ------------------------------------------------------------------------------------------------------------

interface OpenSection {
  readonly start: number;
  end: number;
  readonly family?: "ip" | "ip6";
  /** As a prompt says. */
  readonly fixed: IptablesTable | undefined;
  possible: readonly IptablesTable[];
  readonly declared: Set<string>;
  /** Chains whose rules are over. */
  readonly done: Set<string>;
  last: string | undefined;
  hasPolicies: boolean;
  hasRules: boolean;
}

/** Lines in the order in which iptables-save and `iptables -S` print them: a new table begins where the order starts anew, or
 *  where rules stand that are of no table of which the rules before can be. */
function sectionsOf(text: string, prompts: readonly Prompt[]): Section[] {
  const sections: OpenSection[] = [];
  let waiting = [...prompts];
  let prompt: Prompt | undefined;
  for (const found of text.matchAll(COMMAND)) {
    const { index, 0: line } = found;
    const [, rule, declared, policy] = found;
    const before = waiting.findLast(({ start }) => start < index);
    if (before !== undefined) {
      prompt = before;
      waiting = waiting.filter(({ start }) => start > index);
    }
    const evidence = tablesOf(line);
    let section = sections.at(-1);
    if (
      section === undefined ||
      before !== undefined ||
      startsAnew(section, rule, declared ?? policy) ||
      disagrees(section, evidence)
    ) {
      section = open(index, index + line.length, prompt);
      sections.push(section);
    }
    take(section, evidence, rule, declared ?? policy);
    if (policy !== undefined) section.hasPolicies = true;
  }
  // Whole listings of `iptables -S` tell their tables themselves.
  if (sections.some(({ hasPolicies }) => hasPolicies) && prompts.every(({ table }) => table === undefined)) return [];
  return named(sections);
}

/** `-A CHAIN …` or `-I CHAIN …`; `:CHAIN …` or `-N CHAIN`; `-P CHAIN`. */
const COMMAND = /^[ \t]*(?:\[\d+:\d+\] *)?(?:-t +\w+ +)?(?:-[AI] +(\S+)|(?::|-N +)(\S+)|-P +(\S+))[^\n]*$/gm;

function open(start: number, end: number, prompt: Prompt | undefined): OpenSection {
  const { family, table } = prompt ?? {};
  return {
    start,
    end,
    ...(family === undefined ? {} : { family }),
    fixed: table,
    possible: table === undefined ? TABLES : [table],
    declared: new Set(),
    done: new Set(),
    last: undefined,
    hasPolicies: false,
    hasRules: false,
  };
}

function startsAnew(section: OpenSection, rule: string | undefined, declared: string | undefined): boolean {
  if (declared !== undefined) return section.hasRules || section.declared.has(declared);
  if (rule === undefined || rule === section.last) return false;
  if (section.done.has(rule)) return true;
  const order = BUILT_IN_ORDER.indexOf(rule);
  const { last } = section;
  return order >= 0 && last !== undefined && order < placeOf(last);
}

const BUILT_IN_ORDER = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/** Chains of users stand behind the built-in ones. */
function placeOf(chain: string): number {
  const order = BUILT_IN_ORDER.indexOf(chain);
  return order < 0 ? BUILT_IN_ORDER.length : order;
}

function disagrees({ possible, fixed }: OpenSection, evidence: readonly IptablesTable[]): boolean {
  return fixed === undefined && !evidence.some((table) => possible.includes(table));
}

function take(
  section: OpenSection,
  evidence: readonly IptablesTable[],
  rule: string | undefined,
  declared: string | undefined,
): void {
  if (section.fixed === undefined) section.possible = section.possible.filter((table) => evidence.includes(table));
  if (declared !== undefined) section.declared.add(declared);
  if (rule === undefined) return;
  section.hasRules = true;
  if (section.last !== undefined && section.last !== rule) section.done.add(section.last);
  section.last = rule;
}

/** A part of which several tables are possible is of one that the text has already, else of the one that is meant most often. */
function named(sections: readonly OpenSection[]): Section[] {
  const sure = new Set(sections.flatMap(({ possible }) => (possible.length === 1 ? possible : [])));
  const usual: readonly IptablesTable[] = ["filter", "nat", "mangle", "raw", "security"];
  return sections.map(({ start, end, family, possible, fixed, hasPolicies }) => ({
    start,
    end,
    table:
      fixed ??
      usual.find((table) => possible.includes(table) && sure.has(table)) ??
      usual.find((table) => possible.includes(table)) ??
      "filter",
    ...(family === undefined ? {} : { family }),
    isPart: !hasPolicies,
  }));
}

// --- which table a line is of --------------------------------------------------------------------------------------------

/** Chains of kube-proxy and others, and targets, that only some tables have. */
const EVIDENCE: readonly (readonly [pattern: RegExp, tables: readonly IptablesTable[]])[] = [
  [/(?:^|\s)(?:-j|--jump) (?:DNAT|SNAT|MASQUERADE|REDIRECT|NETMAP)\b/, ["nat"]],
  [/(?:^|\s)(?:-j|--jump) (?:REJECT)\b/, ["filter"]],
  [/(?:^|\s)(?:-j|--jump) DROP\b/, ["filter", "mangle", "raw", "security"]],
  [/(?:^|\s)(?:-j|--jump) (?:NOTRACK|CT)\b/, ["raw"]],
  [/(?:^|\s)(?:-j|--jump) (?:TPROXY|TTL|HL|DSCP|TOS|ECN|CHECKSUM|TCPOPTSTRIP)\b/, ["mangle"]],
  [/\bKUBE-(?:(?:SVC|SVL|SEP|EXT|XLB|FW)-[A-Z0-9]+|MARK-(?:MASQ|DROP)|POSTROUTING|LOAD-BALANCER|NODE-PORT)\b/, ["nat"]],
  [/\bKUBE-(?:FORWARD|FIREWALL|PROXY-FIREWALL|EXTERNAL-SERVICES)\b/, ["filter"]],
  [/\bDOCKER(?:-USER|-ISOLATION\S*|-FORWARD|-CT|-BRIDGE|-INTERNAL)\b/, ["filter"]],
  ...BUILT_IN_ORDER.map((chain): readonly [RegExp, readonly IptablesTable[]] => [
    new RegExp(`^\\s*(?:\\[\\d+:\\d+\\] *)?(?:-[AIP] +|:)${chain}\\s`),
    TABLES.filter((table) => BUILT_IN_CHAINS[table].some(({ name }) => name === chain)),
  ]),
];

function tablesOf(line: string): readonly IptablesTable[] {
  const named = /^\s*(?:\[\d+:\d+\] *)?-t +(\w+)/.exec(line)?.[1];
  const own = TABLES.find((table) => table === named);
  if (own !== undefined) return [own];
  const text = line.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return EVIDENCE.reduce<readonly IptablesTable[]>(
    (tables, [pattern, those]) => (pattern.test(text) ? tables.filter((table) => those.includes(table)) : tables),
    TABLES,
  );
}
