/** What the page is about: files, question, mode and view. Everything that is shown follows from it. */
import type { InputFile, RuleMode, ViewName, Workspace } from "../protocol.ts";

/** Without what the user holds in hand, such as a step that is lit. */
export interface PageState extends Workspace {
  readonly view: ViewName;
  /** Name of the file in the editor. */
  readonly open: string;
}

type Listener = (state: PageState, before: PageState) => void;

/** The state, and who hears of its changes. */
export class Store {
  private readonly listeners: Listener[] = [];
  private current: PageState;

  constructor(first: PageState) {
    this.current = first;
  }

  get state(): PageState {
    return this.current;
  }

  /** Changes some members. Nobody hears of a change to what is there already. */
  set(change: Partial<PageState>): void {
    const before = this.current;
    const isSame = Object.entries(change).every(([key, value]) => before[key as keyof PageState] === value);
    if (isSame) return;
    this.current = { ...before, ...change };
    for (const listener of this.listeners) listener(this.current, before);
  }

  onChange(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** The text of a file. */
  setText(name: string, text: string): void {
    const { files } = this.current;
    if (files.every((file) => file.name !== name || file.text === text)) return;
    this.set({ files: files.map((file) => (file.name === name ? { name, text } : file)) });
  }
}

/** An example of the page. */
export interface Example {
  readonly title: string;
  readonly files: readonly InputFile[];
  readonly question: string;
  readonly view?: ViewName;
}

export function stateOf({ files, question, view = "walk" }: Example, mode: RuleMode = "nftables"): PageState {
  return { files, before: files, question, branch: 0, mode, node: "", view, open: files[0]?.name ?? "" };
}
