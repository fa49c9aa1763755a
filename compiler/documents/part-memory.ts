/** Parts of texts that were read before, found again by their texts. */

/** Something that was read from a part of a text. */
interface RememberedPart {
  /** Of equal texts with different keys different things are read. */
  readonly key: string;
  /** Of the part, where it is now. */
  readonly text: string;
}

/** The parts of one text. Each part that is found is found once, so that equal parts stay apart. */
export class PartMemory<Part extends RememberedPart> {
  private before: readonly Part[] = [];
  private now: Part[] = [];
  /** Index in `before` of the part that is expected next. */
  private next = 0;
  private misses = 0;
  private taken = new Set<Part>();
  /** Indexes of the parts in `before`, by text; made when the order of parts has changed. */
  private others: ReadonlyMap<string, readonly number[]> | undefined;

  /** Begins with the text anew: what is not found in it is forgotten when it is begun with again. */
  begin(): void {
    this.before = this.now;
    this.now = [];
    this.next = 0;
    this.misses = 0;
    this.taken = new Set();
    this.others = undefined;
  }

  /** What was read from a part with this text; undefined: it is to be read. The caller gives either to `keep`. */
  find(text: string, key: string): Part | undefined {
    const index = this.indexOf(text, key);
    const found = index === undefined ? undefined : this.before[index];
    if (index === undefined || found === undefined) return undefined;
    this.next = index + 1;
    this.misses = 0;
    this.taken.add(found);
    return found;
  }

  /** In the order of the text. */
  keep(part: Part): void {
    this.now.push(part);
  }

  /** Back to what was there when the text was begun with, because its parts cannot be read alone. */
  abandon(): void {
    this.now = [...this.before];
  }

  forget(): void {
    this.now = [];
    this.begin();
  }

  private indexOf(text: string, key: string): number | undefined {
    const isIt = (index: number): boolean => {
      const part = this.before[index];
      return part !== undefined && part.key === key && !this.taken.has(part) && part.text === text;
    };
    // Most changes are within one part.
    for (const index of [this.next, this.next + 1]) if (isIt(index)) return index;
    if (this.others === undefined && ++this.misses < 3) return undefined;
    this.others ??= indexesByText(this.before);
    return this.others.get(text)?.find(isIt);
  }
}

function indexesByText(parts: readonly RememberedPart[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [index, part] of parts.entries()) {
    const { text } = part;
    const known = found.get(text);
    if (known === undefined) found.set(text, [index]);
    else known.push(index);
  }
  return found;
}

/** The same text in memory of its own: V8 keeps a whole text for each piece of it. */
export function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
