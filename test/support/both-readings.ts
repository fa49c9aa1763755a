/** Rules as they are read with the help of shapes, and by the grammar alone. */
import type { Diagnostic, Origin } from "../../compiler/diagnostics.ts";
import { readIptables } from "../../compiler/formats/iptables/read.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Picker } from "./dressing.ts";

type Reading = { readonly program: Program; readonly reports: readonly Diagnostic[] };

interface BothReadings {
  readonly shapes: string;
  readonly grammar: string;
}

/** All that was read, with its places, as text. */
export function iptablesReadings(text: string, family?: "ip" | "ip6"): BothReadings {
  const read = (byGrammar: boolean): string => {
    const reports: Diagnostic[] = [];
    const options = { byGrammar, ...(family === undefined ? {} : { family }) };
    const program = readIptables({ name: "rules", text }, (report) => reports.push(report), options);
    return printReading({ program, reports });
  };
  return { shapes: read(false), grammar: read(true) };
}

export function nftReadings(text: string): BothReadings {
  const read = (byGrammar: boolean): string => {
    const reports: Diagnostic[] = [];
    const program = readNft({ name: "rules", text }, (report) => reports.push(report), undefined, byGrammar);
    return printReading({ program, reports });
  };
  return { shapes: read(false), grammar: read(true) };
}

function printReading({ program, reports }: Reading): string {
  return JSON.stringify(
    { reports, program },
    (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : isOrigin(value) ? placeOf(value) : value),
    1,
  );
}

function isOrigin(value: unknown): value is Origin {
  return typeof value === "object" && value !== null && "span" in value && typeof value.span === "function";
}

function placeOf(origin: Origin): string {
  const { start, end } = origin.span();
  return `${start}-${end}`;
}

// --- variants ------------------------------------------------------------------------------------------------------------

const NUMBERS = [
  "0",
  "1",
  "7",
  "31",
  "32",
  "33",
  "80",
  "128",
  "129",
  "255",
  "256",
  "300",
  "8080",
  "65535",
  "65536",
  "080",
  "00",
  "4294967296",
  "",
];
const PIECES = [
  " ",
  "  ",
  '"',
  "\\",
  "!",
  "-",
  "=",
  ",",
  ":",
  "/",
  ".",
  "[",
  "]",
  "#",
  "{",
  "}",
  "$x",
  ";",
  "\t",
  "\r",
  "é",
  "-A",
  "-t nat",
  "-j",
  "accept",
  "ACCEPT",
  "::",
  "*",
  "\n",
  "'",
];

/** `text` with each of its lines a few times over: with other numbers, words and names, and now and then damaged. */
export function varied(text: string, pick: Picker, damage = 8): string {
  const lines = text.split("\n");
  const names = [...new Set(text.match(/\b[A-Z][\w-]{2,}\b/g) ?? ["X"])];
  return lines
    .flatMap((line) =>
      /^(?:[*:#]|COMMIT|table|\s*(?:chain|map|set|type|typeof|flags|size|\}))/.test(line)
        ? [line]
        : copies(line, names, pick, damage),
    )
    .join("\n");
}

function copies(line: string, names: readonly string[], pick: Picker, damage: number): string[] {
  return Array.from({ length: 1 + pick(5) }, (_, i) => {
    let copy = line;
    if (i > 0)
      copy = copy.replace(/(?<![\w.])\d+(?=[./:, "]|$)|(?<=\.)\d+/g, (digits) =>
        pick(3) > 0
          ? String(pick(Number(digits) > 255 ? 40000 : 256))
          : pick(6) > 0
            ? digits
            : (NUMBERS[pick(NUMBERS.length)] as string),
      );
    if (pick(3) === 0)
      copy = copy.replace(/\b[A-Z][\w-]{2,}\b/g, (name) =>
        pick(3) === 0 ? (names[pick(names.length)] as string) : name,
      );
    if (pick(damage) === 0) {
      const at = pick(copy.length + 1);
      copy = copy.slice(0, at) + (PIECES[pick(PIECES.length)] as string) + copy.slice(at + pick(3));
    }
    return copy;
  });
}

// --- listings of nft -----------------------------------------------------------------------------------------------------

type Words = (pick: Picker) => string;

const ADDRESS: Words = (pick) => `10.${pick(3)}.${pick(256)}.${pick(256)}`;
const ADDRESS_6: Words = (pick) => `fd00:${pick(65536).toString(16)}::${pick(3) === 0 ? "" : pick(65536).toString(16)}`;
const PREFIX: Words = (pick) => `${ADDRESS(pick)}/${pick(34)}`;
const RANGE: Words = (pick) => `10.0.0.${pick(200)}-10.0.0.${150 + pick(106)}`;
const PORT: Words = (pick) =>
  (pick(12) === 0 ? ["http", "70000", "080", "80-90"][pick(4)] : String(pick(65536))) as string;
const PROTOCOL: Words = (pick) => ["tcp", "udp", "sctp", "6", "17", "300"][pick(6)] as string;
const NAME: Words = (pick) => `"eth${pick(20)}${pick(9) === 0 ? "*" : ""}"`;
const MARK: Words = (pick) => (pick(3) === 0 ? String(pick(100)) : `0x${pick(65536).toString(16)}`);
const CLASS: Words = (pick) =>
  pick(12) === 0
    ? (["root", "none", "1", "0x10", "1:", "10000:1", "1:2:3"][pick(7)] as string)
    : `${pick(65536).toString(16)}:${pick(65536).toString(16)}`;
const VERDICT: Words = (pick) =>
  ["accept", "drop", "return", `jump svc-${pick(50)}`, "goto a", "jump 9a", "goto drop"][pick(7)] as string;

/** Types of sets and maps, and words that elements may have there, most of them right. */
const KINDS: readonly {
  readonly map: boolean;
  readonly types: string;
  readonly flags?: string;
  readonly key: readonly Words[];
  readonly value?: readonly Words[];
}[] = [
  { map: false, types: "type ipv4_addr", key: [ADDRESS] },
  {
    map: false,
    types: "type ipv4_addr",
    flags: "interval",
    key: [(pick) => [ADDRESS, PREFIX, RANGE][pick(3)]?.(pick) ?? ""],
  },
  {
    map: false,
    types: "type ipv6_addr",
    flags: "interval",
    key: [(pick) => (pick(2) === 0 ? ADDRESS_6(pick) : `${ADDRESS_6(pick)}/${pick(130)}`)],
  },
  { map: false, types: "type inet_service", key: [PORT] },
  { map: false, types: "type ifname", key: [NAME] },
  { map: false, types: "type mark", key: [MARK] },
  { map: false, types: "type inet_proto . inet_service", key: [PROTOCOL, PORT] },
  { map: false, types: "type cgroupsv2", key: [NAME] },
  {
    map: true,
    types: "type ipv4_addr . inet_proto . inet_service : verdict",
    key: [ADDRESS, PROTOCOL, PORT],
    value: [VERDICT],
  },
  { map: true, types: "type ipv6_addr . inet_service : verdict", key: [ADDRESS_6, PORT], value: [VERDICT] },
  {
    map: true,
    types: "typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport",
    key: [ADDRESS, PORT, PORT],
    value: [ADDRESS, PORT],
  },
  { map: true, types: "type classid : ipv4_addr . inet_service", key: [CLASS], value: [ADDRESS, PORT] },
  { map: true, types: "type ipv4_addr . inet_service : classid", key: [ADDRESS, PORT], value: [CLASS] },
  { map: true, types: "type ipv4_addr : mark", key: [ADDRESS], value: [MARK] },
  { map: true, types: "type ipv4_addr : interval ipv4_addr . inet_service", key: [ADDRESS], value: [PREFIX, PORT] },
  { map: true, types: "type ipv4_addr", key: [ADDRESS], value: [ADDRESS] },
];

/** A listing with long lists of elements, now and then damaged, and commands behind it. */
export function randomListing(pick: Picker): string {
  const oddity = [0, 0, 1, 4][pick(4)] as number;
  const sets = Array.from({ length: 1 + pick(3) }, (_, i) => randomSet(`s${i}`, pick, oddity));
  const commands = Array.from({ length: pick(3) }, () => randomCommand(pick));
  return damaged(
    `table ip t {\n${sets.join("")}\tchain a {\n\t\tip daddr vmap @s0\n\t}\n}\n${commands.join("")}`,
    pick,
    oddity,
  );
}

function randomSet(name: string, pick: Picker, oddity: number): string {
  const { map, types, flags, key, value } = KINDS[pick(KINDS.length)] as (typeof KINDS)[number];
  const list = `\t\telements = { ${elementsOf(key, value, pick, oddity)} }\n`;
  const lines = [
    `\t\t${types}\n`,
    ...(flags === undefined ? [] : [`\t\tflags ${flags}\n`]),
    ...Array(1 + (pick(8) === 0 ? 1 : 0)).fill(list),
  ];
  if (pick(10) === 0) lines.reverse();
  if (pick(20) === 0) lines.push("\t\ttype inet_service\n");
  return `\t${map ? "map" : "set"} ${name} {\n${lines.join("")}\t}\n`;
}

function elementsOf(key: readonly Words[], value: readonly Words[] | undefined, pick: Picker, oddity: number): string {
  const comments = pick(3);
  const all = (words: readonly Words[]): string => words.map((each) => each(pick)).join(" . ");
  const elements = Array.from({ length: 20 + pick(100) }, () => {
    const comment = comments === 0 ? "" : pick(comments) === 0 ? ` comment "a/b:${pick(99)}, c"` : "";
    const odd =
      oddity > 0 && pick(60) < oddity
        ? ([" timeout 5m", " counter packets 1 bytes 2", " expires 3s", " comment plain"][pick(4)] as string)
        : "";
    return `${all(key)}${comment}${odd}${value === undefined ? "" : ` : ${all(value)}`}`;
  });
  return elements.join([",\n\t\t\t     ", ", ", ","][pick(3)] as string) + (pick(6) === 0 ? ",\n\t\t" : "");
}

function randomCommand(pick: Picker): string {
  const { key, value } = KINDS[pick(KINDS.length)] as (typeof KINDS)[number];
  const list = `{ ${elementsOf(key, value, pick, 0)} }`;
  return `${[`add element ip t s0 ${list}`, `delete element ip t s0 ${list}`, "flush set ip t s0", `add element ip t none ${list}`, `add rule ip t a ip saddr ${list} drop`, `define x = ${list}`, `table ip \\\n elements = ${list}`][pick(7)]}\n`;
}

function damaged(text: string, pick: Picker, times: number): string {
  let changed = text;
  for (let i = 0; i < times; i++) {
    const at = pick(changed.length + 1);
    changed = changed.slice(0, at) + (PIECES[pick(PIECES.length)] as string) + changed.slice(at + pick(4));
  }
  return changed;
}
