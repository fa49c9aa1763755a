/** Lines of iptables-save that differ from earlier ones in addresses, ports, chains and comments only. */
import { meaningOf } from "../../words.ts";
import { HOLES, type HoleKind, type KnownName } from "../shapes/holes.ts";
import { Shape } from "../shapes/shape.ts";
import { TARGETS } from "./extensions/targets.ts";

/** The options behind which lines differ, and what stands there. */
const KINDS: Readonly<Record<string, readonly HoleKind[]>> = {
  "-s": ["ipv4-prefix", "ipv4", "ipv6-prefix", "ipv6"],
  "-d": ["ipv4-prefix", "ipv4", "ipv6-prefix", "ipv6"],
  "--ctorigdst": ["ipv4-prefix", "ipv4", "ipv6-prefix", "ipv6"],
  "--ctorigsrc": ["ipv4-prefix", "ipv4", "ipv6-prefix", "ipv6"],
  "--to-destination": ["ipv4", "ipv6"],
  "--to-source": ["ipv4", "ipv6"],
  "--dport": ["port"],
  "--sport": ["port"],
  "--ctorigdstport": ["port"],
  "--comment": ["quoted", "word"],
  "--name": ["list"],
  "-j": ["name"],
  "-g": ["name"],
};

const OPTIONS = new RegExp(` (${Object.keys(KINDS).join("|")}) ["[]?`, "g");

/** What may stand behind the text of a hole. */
const CLOSED = /["\]]?(?:\/(?:32|128))?(?= |$)/y;
const BEFORE_PORT = /\]?:/y;

/** The shape of the words behind `-A CHAIN`; undefined where there is nothing that may differ. */
export function shapeOfLine(words: string, nameOf: KnownName): Shape | undefined {
  const literals: string[] = [];
  const kinds: HoleKind[] = [];
  let from = 0;
  const take = (kind: HoleKind, start: number, end: number): void => {
    literals.push(words.slice(from, start));
    kinds.push(kind);
    from = end;
  };
  OPTIONS.lastIndex = 0;
  for (let found = OPTIONS.exec(words); found !== null; found = OPTIONS.exec(words)) {
    const start = OPTIONS.lastIndex;
    for (const kind of meaningOf(KINDS, found[1] ?? "") ?? []) {
      const end = HOLES[kind].scan(words, start, [], 0, nameOf);
      if (end < 0) continue;
      const port = portBehind(words, end);
      if (port === undefined && !isAt(CLOSED, words, end)) continue;
      take(kind, start, end);
      if (port !== undefined) take("port", port.start, port.end);
      OPTIONS.lastIndex = from;
      break;
    }
  }
  literals.push(words.slice(from));
  return kinds.length === 0 ? undefined : new Shape(literals, kinds);
}

/** Where `:PORT` stands that ends the word. */
function portBehind(words: string, at: number): { readonly start: number; readonly end: number } | undefined {
  if (!isAt(BEFORE_PORT, words, at)) return undefined;
  const start = BEFORE_PORT.lastIndex;
  const end = HOLES.port.scan(words, start, [], 0, () => undefined);
  return end >= 0 && (end === words.length || words[end] === " ") ? { start, end } : undefined;
}

function isAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** The chains of a table, by the names under which they are known: a target's name means the target. */
export class KnownChains<Of extends NamedChain<Of>> {
  /** That of the last name. */
  last: Of | undefined;
  private readonly chains: ReadonlyMap<string, Of>;
  /** By length of a name, the last chain: names that are made of the same words are as long as each other. */
  private readonly lasts: (Of | undefined)[] = [];

  constructor(chains: ReadonlyMap<string, Of>) {
    this.chains = chains;
  }

  /** `lists`: those of `recent` that are known. */
  nameOf(lists: Pick<ReadonlySet<string>, "has">): KnownName {
    return (word, kind) => {
      if (kind === "list") return lists.has(word) ? word : undefined;
      const { length } = word;
      // Rules often name the chain of the last one, or chains in the order in which these are declared.
      const last = this.lasts[length];
      const next = last?.next;
      let found = last;
      if (found?.name !== word || found.isDeleted) {
        found = next?.name === word && !next.isDeleted ? next : this.chains.get(word);
        if (found === undefined || TARGET_NAMES.has(word)) return undefined;
        this.lasts[length] = found;
      }
      this.last = found;
      return found.name;
    };
  }
}

/** `next`: the one that was made after it. */
interface NamedChain<Of> {
  readonly name: string;
  readonly next: Of | undefined;
  readonly isDeleted: boolean;
}

const TARGET_NAMES: ReadonlySet<string> = new Set(Object.keys(TARGETS));
