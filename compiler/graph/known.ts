/** What all packets at a place in the graph have in common. */
import { ALWAYS } from "../evaluate/condition.ts";
import type { StepProgress } from "../evaluate/frame.ts";
import type { Control, State, Stream } from "../evaluate/state.ts";

/** Equal knowledge is one object. The state is the evaluator's own, of all packets that come by one door: `toaddr` and `toport` are
 *  the destination that a translation gave them. */
export interface Known {
  readonly control: Control;
  readonly stream: Stream;
  /** The packets' priority is what the last lookup gave. */
  readonly priorityFromMap: boolean;
  /** What decided so far, in the words of the program's comments. */
  readonly reasons: readonly string[];
}

export class Knowledge {
  private readonly interned = new Map<string, Known>();

  start({ control, streams }: State): Known {
    return this.intern({ control, stream: streams[0] as Stream, priorityFromMap: false, reasons: [] });
  }

  with(known: Known, change: Partial<Known>): Known {
    return this.intern({ ...known, ...change });
  }

  /** `known` after the evaluator made `state` of the packets; undefined: it tells some of them from others. */
  after(known: Known, { control, streams }: State): Known | undefined {
    const [stream, other] = streams;
    if (stream === undefined || other !== undefined) return undefined;
    const isWhole = stream.region === known.stream.region && stream.probability === 1 && stream.condition === ALWAYS;
    if (!isWhole) return undefined;
    return control === known.control && stream === known.stream ? known : this.with(known, { control, stream });
  }

  /** What one step did to all packets alike; undefined: it did not. */
  afterStep(
    known: Known,
    progress: readonly StepProgress[],
  ): { readonly known: Known; readonly flow: StepProgress["flow"] } | undefined {
    const [only, other] = progress;
    const after = only === undefined || other !== undefined ? undefined : this.after(known, only.state);
    return only === undefined || after === undefined ? undefined : { known: after, flow: only.flow };
  }

  private intern(known: Known): Known {
    const { control, stream, priorityFromMap, reasons } = known;
    let text = `${stream.destination} ${stream.destinationPort} ${priorityFromMap} ${reasons.join("|")}`;
    for (const name in control) if (!SAME.has(name)) text += `;${textOf(control[name as keyof Control])}`;
    const found = this.interned.get(text);
    if (found !== undefined) return found;
    this.interned.set(text, known);
    return known;
  }
}

/** Properties that all packets of a door share on their whole way. */
const SAME: ReadonlySet<string> = new Set<keyof Control>(["original", "environment", "path", "member", "protocol"]);

/** Equal for equal values. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Set) return [...value].join();
  return Object.values(value).map(textOf).join();
}

/** `known` as the evaluator's functions take it. */
export function stateOf({ control, stream }: Known): State {
  return { control, streams: [stream] };
}
