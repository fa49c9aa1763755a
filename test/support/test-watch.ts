/** What an agent hears of objects, where a test tells it. */
import type { AgentParts } from "../../runtime/agent/agent-parts.ts";
import type { KindEvent, KindWatch } from "../../runtime/api/events.ts";

const WATCHING: KindWatch = {
  state: {
    phase: "watching",
    isSynced: true,
    ageMilliseconds: 0,
    objects: 0,
    events: 0,
    trouble: undefined,
    lists: new Map(),
    troubles: new Map(),
  },
  stop: () => undefined,
  done: Promise.resolve(),
};

export class TestWatch {
  private readonly sinks = new Map<string, (event: KindEvent) => void>();

  /** Kinds that are not followed any more. */
  readonly stopped: string[] = [];

  readonly watch: AgentParts["watch"] = (kind, sink) => {
    this.sinks.set(kind, sink);
    return { ...WATCHING, stop: () => void this.stopped.push(kind) };
  };

  tell(kind: string, event: KindEvent): void {
    this.sinks.get(kind)?.(event);
  }

  put(kind: string, object: Readonly<Record<string, unknown>>): void {
    const { namespace, name } = object["metadata"] as { readonly namespace?: string; readonly name: string };
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    this.tell(kind, { kind: "put", key, object, resourceVersion: "1" });
  }

  /** All that there is has been told. */
  synced(): void {
    for (const sink of this.sinks.values()) sink({ kind: "synced", resourceVersion: "1" });
  }
}
