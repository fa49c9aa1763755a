/** Slips in a text that has many parts of one kind: of one line, or of two parts that are alike. */
import type { Picker } from "./dressing.ts";
import { mutateText } from "./text-mutants.ts";

const ADDRESS = /\b\d+\.\d+\.\d+\.\d+\b(?!\/(?!32))|\b(?:fd00|2001)[0-9a-f:]*::[0-9a-f]+\b(?!\/(?!128))/g;

/** Node ports; identities of endpoints, in both formats; how long clients are remembered, where the number is part of a name. */
const NAMES: readonly RegExp[] = [
  /\b3[0-2]\d{3}\b/g,
  /\b[0-9a-f]{1,4}:[0-9a-f]{1,4}\b(?= :|,|\n)/g,
  /(?<=affinity-\d+s-)[0-9a-f]+\b/g,
  /(?<=affinity-|sticky-)\d+(?=s)|(?<=--seconds )\d+|(?<=timeout )\w+/g,
];

/** Undefined: there was nothing to change in the way that was chosen. */
export function mutateRepeated(text: string, pick: Picker): string | undefined {
  const lines = text.split("\n");
  const rules = lines.flatMap((line, i) => (line.startsWith("-A") ? [i] : []));
  const anyRule = (): number => rules[pick(rules.length)] as number;
  switch (pick(10)) {
    case 0: {
      // An address becomes another one.
      const all = [...text.matchAll(ADDRESS)];
      const [one, other] = [all[pick(Math.max(1, all.length))], all[pick(Math.max(1, all.length))]];
      if (one === undefined || other === undefined || !areAlike(one[0], other[0])) return undefined;
      return text.slice(0, one.index) + other[0] + text.slice(one.index + one[0].length);
    }
    case 1: {
      // All addresses of a line that are one become another one.
      const named = lines.flatMap((line, i) => (line.match(ADDRESS) === null ? [] : [i]));
      const [at, from] = [named[pick(Math.max(1, named.length))], named[pick(Math.max(1, named.length))]];
      const [one] = lines[at ?? -1]?.match(ADDRESS) ?? [];
      const [other] = lines[from ?? -1]?.match(ADDRESS) ?? [];
      if (at === undefined || one === undefined || other === undefined || !areAlike(one, other)) return undefined;
      return lines.with(at, (lines[at] as string).replaceAll(one, other)).join("\n");
    }
    case 2: {
      // Two neighbours change places.
      if (rules.length < 2) return undefined;
      const i = pick(rules.length - 1);
      const [at, next] = [rules[i] as number, rules[i + 1] as number];
      return lines
        .with(at, lines[next] as string)
        .with(next, lines[at] as string)
        .join("\n");
    }
    case 3:
      // A rule stands twice.
      return rules.length === 0 ? undefined : lines.toSpliced(anyRule(), 0, lines[anyRule()] as string).join("\n");
    case 4:
    case 5: {
      // A name of some kind becomes another one of its kind, in one place.
      const all = [...text.matchAll(NAMES[pick(NAMES.length)] as RegExp)];
      const [one, other] = [all[pick(Math.max(1, all.length))], all[pick(Math.max(1, all.length))]];
      if (one === undefined || other === undefined || one[0] === other[0]) return undefined;
      return text.slice(0, one.index) + other[0] + text.slice(one.index + one[0].length);
    }
    default:
      return mutateText(text, pick)?.text;
  }
}

function areAlike(one: string, other: string): boolean {
  return one !== other && one.includes(":") === other.includes(":");
}
