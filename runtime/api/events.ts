/** What a watch tells of a kind. */
import type { ApiReason, ApiTrouble } from "./trouble.ts";

/** As the server wrote it: nothing but `metadata.name`, `namespace` and `resourceVersion` has been checked. */
export type ApiObject = Readonly<Record<string, unknown>>;

/** In order. A key is `namespace/name`, or `name` where the kind has no namespaces. */
export type KindEvent =
  /** An object is there, new or changed. */
  | { readonly kind: "put"; readonly key: string; readonly object: ApiObject; readonly resourceVersion: string }
  /** An object that was put is gone; also where a new list lacks it. */
  | { readonly kind: "delete"; readonly key: string; readonly resourceVersion: string }
  /** A whole list has been told. Before the first of these, half a list is half a cluster. */
  | { readonly kind: "synced"; readonly resourceVersion: string }
  /** An object was left out, or the loop waits before its next try. What was told before still stands. */
  | { readonly kind: "trouble"; readonly trouble: ApiTrouble; readonly waitMilliseconds: number };

/** How a watch is, for health and metrics. */
export interface KindWatchState {
  /** "waiting": between two tries. */
  readonly phase: "listing" | "watching" | "waiting" | "stopped";
  readonly isSynced: boolean;
  /** Milliseconds since the last byte of the server; undefined: it has said nothing yet. */
  readonly ageMilliseconds: number | undefined;
  readonly objects: number;
  /** Puts and deletes so far. */
  readonly events: number;
  /** The last one, until the next list or event. */
  readonly trouble: ApiTrouble | undefined;
  /** Lists, by what made them necessary; "start" is the first. */
  readonly lists: ReadonlyMap<ApiReason | "start", number>;
  readonly troubles: ReadonlyMap<ApiReason, number>;
}

export interface KindWatch {
  readonly state: KindWatchState;
  /** Ends the connection; nothing is told afterwards. */
  stop(): void;
  /** Resolves once the loop has ended. Rejects with what the sink threw, which ends the loop too. */
  readonly done: Promise<void>;
}
