/** Rules as they are read with the help of shapes, and by the grammar alone. */
import type { Diagnostic, Origin } from "../../compiler/diagnostics.ts";
import { readIptables } from "../../compiler/formats/iptables/read.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Picker } from "./dressing.ts";

type Reading = { readonly program: Program; readonly reports: readonly Diagnostic[] };

/** All that was read, with its places, as text. */
export function iptablesReadings(
  text: string,
  family?: "ip" | "ip6",
): { readonly shapes: string; readonly grammar: string } {
  const read = (byGrammar: boolean): string => {
    const reports: Diagnostic[] = [];
    const options = { byGrammar, ...(family === undefined ? {} : { family }) };
    const program = readIptables({ name: "rules", text }, (report) => reports.push(report), options);
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
