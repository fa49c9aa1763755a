/** What was done to the files, in order: undone and done again across all of them. */
import type { InputFile } from "../protocol.ts";
import type { PageState, Store } from "./state.ts";

/** A change of files, with all that changed together with them. */
interface Entry {
  /** `edit of web.yaml`. */
  readonly title: string;
  readonly back: Partial<PageState>;
  /** The file that was edited; undefined: files came, went, or got other names. */
  readonly edited: string | undefined;
  /** Milliseconds. */
  at: number;
}

/** Keys within so many milliseconds are one edit, as in the editor. */
const PAUSE = 500;
/** Older changes cannot be undone: each may hold a large text. */
const MOST = 100;

/** Undo and redo of the store's files. Edits of one file that follow each other closely are one change. */
export class History {
  private readonly done: Entry[] = [];
  private undone: Entry[] = [];
  private readonly store: Store;
  private readonly onChange: () => void;
  private isMoving = false;
  /** Whether the editor is undoing, or doing again, by its own history. */
  isEditorMoving = false;

  constructor(store: Store, onChange: () => void) {
    this.store = store;
    this.onChange = onChange;
    store.onChange((after, before) => {
      if (after.files !== before.files && !this.isMoving) this.note(entryOf(before, after));
    });
  }

  /** Titles of what `undo` and `redo` would do. */
  get next(): { readonly undo: string | undefined; readonly redo: string | undefined } {
    return { undo: this.done.at(-1)?.title, redo: this.undone.at(-1)?.title };
  }

  undo(): void {
    this.move(this.done, this.undone);
  }

  redo(): void {
    this.move(this.undone, this.done);
  }

  /** Forgets everything. */
  clear(): void {
    this.done.length = 0;
    this.undone = [];
    this.onChange();
  }

  private note(entry: Entry): void {
    const last = this.done.at(-1);
    const goesOn = last?.edited !== undefined && last.edited === entry.edited;
    if (goesOn && (this.isEditorMoving || entry.at - last.at < PAUSE)) {
      last.at = entry.at;
      // The editor has undone it.
      if (sameFiles(last.back.files, this.store.state.files)) this.done.pop();
    } else this.done.push(entry);
    if (this.done.length > MOST) this.done.shift();
    this.undone = [];
    this.onChange();
  }

  private move(from: Entry[], to: Entry[]): void {
    const entry = from.pop();
    if (entry === undefined) return;
    const { state } = this.store;
    const forth = Object.fromEntries(Object.keys(entry.back).map((key) => [key, state[key as keyof PageState]]));
    to.push({ ...entry, back: forth, at: 0 });
    this.isMoving = true;
    this.store.set({ ...entry.back, ...(entry.edited === undefined ? {} : { open: entry.edited }) });
    this.isMoving = false;
    this.onChange();
  }
}

function entryOf(before: PageState, after: PageState): Entry {
  const keys = (Object.keys(before) as (keyof PageState)[]).filter((key) => before[key] !== after[key]);
  const back = Object.fromEntries(keys.map((key) => [key, before[key]]));
  return { ...titleOf(before.files, after.files), back, at: performance.now() };
}

function titleOf(before: readonly InputFile[], after: readonly InputFile[]): Pick<Entry, "title" | "edited"> {
  const changed = (some: readonly InputFile[], others: readonly InputFile[]): InputFile[] => {
    const texts = new Map(others.map(({ name, text }) => [name, text]));
    return some.filter(({ name, text }) => texts.get(name) !== text);
  };
  const [old, made] = [changed(before, after), changed(after, before)];
  const [gone, come] = [old[0], made[0]];
  const isOne = old.length <= 1 && made.length <= 1;
  const edited = isOne && gone?.name === come?.name ? come?.name : undefined;
  const title = (words: string): Pick<Entry, "title" | "edited"> => ({ title: words, edited });
  if (edited !== undefined) return title(`edit of ${edited}`);
  if (isOne && gone !== undefined && come !== undefined) return title(`renaming of ${gone.name}`);
  if (isOne && gone !== undefined) return title(`removal of ${gone.name}`);
  if (isOne && come !== undefined) return title(`new file ${come.name}`);
  return title(`loading of ${after.length} files`);
}

function sameFiles(some: readonly InputFile[] | undefined, others: readonly InputFile[]): boolean {
  return (
    some?.length === others.length &&
    some.every(({ name, text }, i) => name === others[i]?.name && text === others[i]?.text)
  );
}
