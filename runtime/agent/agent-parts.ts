/** What an agent is made of, and when it does what. */
import type { NodeTables, NodeUpdate } from "../../compiler/updates/node-tables.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { Clock } from "../api/clock.ts";
import type { KindEvent, KindWatch } from "../api/events.ts";
import type { AgentKernel } from "./kernel.ts";

export interface AgentTimes {
  /** Milliseconds that a change waits for company, since the last one and since the first; the first one after so long a rest waits for none. */
  readonly settleMs: number;
  readonly longestMs: number;
  /** Milliseconds between two looks at the number of commits. */
  readonly lookMs: number;
  /** Milliseconds between two rows of transactions, where no change is to be made sooner. */
  readonly restMs?: number | undefined;
  /** Milliseconds after which all elements are compared, also where nobody else has committed. */
  readonly compareMs?: number | undefined;
}

export const AGENT_TIMES: AgentTimes = { settleMs: 5, longestMs: 50, lookMs: 1000 };

export interface AgentParts {
  readonly tables: NodeTables;
  readonly kernel: AgentKernel;
  /** When the kernel may be asked: objects are listed before. The agent ends where it rejects. */
  readonly ready?: Promise<unknown> | undefined;
  readonly clock: Clock;
  /** Begins to follow a kind. */
  readonly watch: (kind: RuleKind, sink: (event: KindEvent) => void) => KindWatch;
  /** One line about what was done, or went wrong. */
  readonly log: (line: string) => void;
  /** Is given each transaction before it is made. */
  readonly onTransaction?: ((text: string, update: Pick<NodeUpdate, "services" | "causes">) => void) | undefined;
  readonly times?: AgentTimes;
  /** What to do when others have changed the tables. */
  readonly onDrift?: "repair" | "report";
  /** Is told when others have changed the tables: "rules", or the set that differs. */
  readonly onDrifted?: (what: string) => void;
  /** Is called when the whole cluster has been gone through: memory may be free. */
  readonly onLoaded?: () => void;
  /** Is called after each row of transactions. */
  readonly onSync?: (tables: NodeTables) => void;
}
