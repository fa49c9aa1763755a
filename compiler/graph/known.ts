/** What all packets at a place in the graph have in common. */

/** Equal knowledge is one object. */
export interface Known {
  /** Empty for packets of the node's own that have not gone through loopback. */
  readonly inInterface: string;
  readonly ctState: number;
  readonly ctStatus: number;
  readonly ctMark: number;
  readonly mark: number;
  /** `register`: what the last lookup gave. */
  readonly priority: number | "register";
  /** `own`: one of the node's, by masquerading. */
  readonly source: "asked" | "own";
  readonly destination: "asked" | "endpoint";
  readonly destinationSettled: boolean;
  readonly sourceSettled: boolean;
  readonly masqueraded: boolean;
  readonly accepted: boolean;
  readonly stickySeconds: number | undefined;
  /** What decided so far, in the words of the program's comments. */
  readonly reasons: readonly string[];
}

export class Knowledge {
  private readonly interned = new Map<string, Known>();

  start(inInterface: string, ctState: number): Known {
    return this.intern({
      inInterface,
      ctState,
      ctStatus: 0,
      ctMark: 0,
      mark: 0,
      priority: 0,
      source: "asked",
      destination: "asked",
      destinationSettled: false,
      sourceSettled: false,
      masqueraded: false,
      accepted: false,
      stickySeconds: undefined,
      reasons: [],
    });
  }

  with(known: Known, change: Partial<Known>): Known {
    return this.intern({ ...known, ...change });
  }

  private intern(known: Known): Known {
    const text = Object.values(known).join("|");
    const found = this.interned.get(text);
    if (found !== undefined) return found;
    this.interned.set(text, known);
    return known;
  }
}
