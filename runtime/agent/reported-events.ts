/** Events of the API (events.k8s.io/v1) about the node and its Services: few, and nothing waits for them. */
import { type Clock, pause } from "../api/clock.ts";
import { ApiTrouble } from "../api/trouble.ts";

/** Something that an operator is told. */
export interface ReportedEvent {
  readonly type: "Normal" | "Warning";
  /** kube-proxy's word where it has one. */
  readonly reason:
    | "Starting"
    | "RulesChanged"
    | "AddressTaken"
    | "FailedToStartServiceHealthcheck"
    | "FailedToStartProxierHealthcheck"
    | "FailedToStartMetricServer";
  /** What the agent did, or tried. */
  readonly action: "StartKpcAgent" | "RepairRules" | "ReportRules" | "AssignAddress" | "Listen";
  readonly note: string;
  /** `namespace/name` of the Service that it is about; undefined: it is about the Node. */
  readonly service?: string;
}

/** The same event is not sent again before so many milliseconds. */
const AGAIN_MS = 600_000;

/** Events that may be sent at once, and the milliseconds after which there may be one more. */
const [BURST, REFILL_MS] = [20, 30_000];

/** Tries of one event, and the milliseconds before the next one. */
const [TRIES, RETRY_MS] = [3, 2_000];

/** Milliseconds after which the API server has not taken an event. */
const SEND_MS = 10_000;

/** Characters that the API takes. */
const [MAX_NOTE, MAX_INSTANCE] = [1024, 128];

export interface EventReporterParts {
  readonly nodeName: string;
  readonly clock: Clock;
  /** Makes `object` at `path`. Rejects with ApiTrouble. */
  readonly send: (path: string, object: unknown, signal: AbortSignal) => Promise<unknown>;
  readonly log: (line: string) => void;
}

export class EventReporter {
  private readonly parts: EventReporterParts;
  private readonly stopper = new AbortController();
  /** When an event was last sent, by what makes it the same. */
  private readonly sentAt = new Map<string, number>();
  private readonly waiting: (ReportedEvent & { readonly at: number })[] = [];
  private allowed: number = BURST;
  private refilledAt: number;
  private isSending = false;
  private complaint = "";
  private number = 0;
  /** By what became of them: sent, failed, or left out because there were too many. */
  readonly counts = new Map<"sent" | "failed" | "dropped", number>();

  constructor(parts: EventReporterParts) {
    this.parts = parts;
    this.refilledAt = parts.clock.now();
  }

  /** Sends the event some time, unless it is one too many. Returns at once. */
  report(event: ReportedEvent): void {
    const { clock } = this.parts;
    const now = clock.now();
    for (const [key, at] of this.sentAt) if (now - at >= AGAIN_MS) this.sentAt.delete(key);
    const key = [event.service, event.reason, event.note].join("\n");
    if (this.stopper.signal.aborted || this.sentAt.has(key)) return;
    const refill = Math.floor((now - this.refilledAt) / REFILL_MS);
    this.allowed = Math.min(BURST, this.allowed + refill);
    this.refilledAt += refill * REFILL_MS;
    if (this.allowed === 0) {
      this.count("dropped");
      return;
    }
    this.allowed--;
    this.sentAt.set(key, now);
    this.waiting.push({ ...event, at: clock.wallTime() });
    void this.sendAll();
  }

  /** What is not sent yet is left out. */
  stop(): void {
    this.stopper.abort();
  }

  private count(what: "sent" | "failed" | "dropped"): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  private async sendAll(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) await this.sendOne(next);
    } finally {
      this.isSending = false;
    }
  }

  private async sendOne(event: ReportedEvent & { readonly at: number }): Promise<void> {
    const { clock, log } = this.parts;
    const { signal } = this.stopper;
    const { path, object } = this.formOf(event);
    for (let turn = 1; !signal.aborted; turn++) {
      const late = new AbortController();
      const callOff = clock.after(SEND_MS, () => late.abort());
      try {
        await this.parts.send(path, object, AbortSignal.any([signal, late.signal]));
        this.complaint = "";
        this.count("sent");
        return;
      } catch (error) {
        if (!(error instanceof ApiTrouble)) throw error;
        if (signal.aborted) return;
        const isHopeless = error.reason === "forbidden" || error.reason === "invalid" || error.reason === "not-found";
        if (isHopeless || turn === TRIES) {
          // The rules do not depend on it: one line will do.
          if (this.complaint !== error.message) log(`an event cannot be written: ${error.message}`);
          this.complaint = error.message;
          this.count("failed");
          return;
        }
      } finally {
        callOff();
      }
      await pause(clock, RETRY_MS * turn, signal);
    }
  }

  private formOf(event: ReportedEvent & { readonly at: number }): { readonly path: string; readonly object: object } {
    const { nodeName } = this.parts;
    const { type, reason, action, note, service, at } = event;
    const [namespace = "default", name = nodeName] = service?.split("/") ?? [];
    this.number++;
    // Two agents of one node, one after the other, must not choose the same name.
    const suffix = `${at.toString(16)}${(this.number & 0xffff).toString(16).padStart(4, "0")}`;
    return {
      path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      object: {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { namespace, name: `${name.slice(0, 200)}.${suffix}` },
        // Microseconds are wanted.
        eventTime: new Date(at).toISOString().replace("Z", "000Z"),
        reportingController: "kpc-agent",
        reportingInstance: `kpc-agent-${nodeName}`.slice(0, MAX_INSTANCE),
        type,
        reason,
        action,
        note: note.slice(0, MAX_NOTE),
        // The Node's name stands for its uid, as in events of kubelet and kube-proxy: kubectl describe looks for that.
        regarding:
          service === undefined
            ? { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName }
            : { apiVersion: "v1", kind: "Service", namespace, name },
      },
    };
  }
}
