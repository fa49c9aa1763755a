/**
 * Keeps a node's tables equal to what `kpc compile` would print of the cluster: lists and watches objects, makes transactions of what
 * changes, and makes good what others do to the tables.
 */
import { unreachable } from "../../compiler/invariant.ts";
import { isOfElements, type TableChange } from "../../compiler/ir/table-change.ts";
import type { NodeTables, NodeUpdate } from "../../compiler/updates/node-tables.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import { pause } from "../api/clock.ts";
import type { KindEvent, KindWatch } from "../api/events.ts";
import { beginningOf, type TransactionAnswer } from "../table/answers.ts";
import { AGENT_TIMES, type AgentParts, type AgentTimes } from "./agent-parts.ts";
import { ChangeTimes } from "./change-times.ts";
import { ChangedConnections } from "./changed-connections.ts";
import { ElementComparison } from "./element-comparison.ts";
import { isEligible } from "./eligible-node.ts";
import { ExpectedElements } from "./expected-elements.ts";
import { LockLost } from "./kernel.ts";
import type { KernelStep } from "./kernel-steps.ts";
import { AgentCounts } from "./metrics.ts";
import { nextSteps, SERVICES_AT_ONCE } from "./next-steps.ts";
import { restoreAlone } from "./restore-alone.ts";
import { TransactionUnderWay } from "./transaction-under-way.ts";

/** Milliseconds before a transaction that failed is tried again, at first and at most. */
const RETRY_MS = [100, 5000] as const;

const KINDS: readonly RuleKind[] = ["Node", "ServiceCIDR", "Service", "EndpointSlice"];

export class Agent {
  readonly counts = new AgentCounts();
  /** Resolves when the tables are right for the first time. */
  readonly started: Promise<void>;
  /** Resolves when the agent has stopped; rejects where it could not go on. */
  readonly done: Promise<void>;

  /** Whether load balancers may send to this node: it is not about to be deleted. */
  isNodeEligible = true;
  /** Whether the API server knows a Node of that name. */
  hasNode = false;

  private readonly parts: AgentParts;
  private readonly times: AgentTimes;
  private readonly expected = new ExpectedElements();
  private readonly watches = new Map<RuleKind, KindWatch>();
  private readonly synced = new Set<RuleKind>();
  private readonly stopper = new AbortController();
  private wake: () => void = () => undefined;
  private markStarted: () => void = () => undefined;
  /** Commits in the network namespace that are accounted for. */
  private knownGeneration = 0;
  /** What rules there were when they were last looked at, and whether they are known to be right. */
  private rules = "";
  private areRulesRight = false;
  private readonly comparison: ElementComparison;
  /** Why the tables have to be restored, where that has not succeeded yet. */
  private owed: string | undefined;
  private readonly underWay: TransactionUnderWay;
  /** Whether an update is taken that is not made: nobody knows yet what there is. */
  private isUnsettled = false;
  /** Transactions that change rules and are not made yet. */
  private rulesUnderWay = 0;
  private readonly connections = new ChangedConnections();
  private readonly changes = new ChangeTimes();
  private flushedAt = Number.NEGATIVE_INFINITY;
  private lookAt = 0;

  constructor(parts: AgentParts) {
    this.parts = parts;
    this.times = parts.times ?? AGENT_TIMES;
    this.underWay = new TransactionUnderWay(parts.kernel, parts.clock);
    this.comparison = new ElementComparison(parts.kernel, this.expected, parts.clock, () => this.wake());
    this.started = new Promise((resolve) => {
      this.markStarted = resolve;
    });
    for (const kind of KINDS)
      this.watches.set(
        kind,
        parts.watch(kind, (event) => this.take(kind, event)),
      );
    this.done = this.run();
  }

  /** Ends after the transaction that is being made. The tables stay. */
  async stop(): Promise<void> {
    this.stopper.abort();
    this.wake();
    for (const watch of this.watches.values()) watch.stop();
    this.comparison.close();
    // Who waits for `done` is told why it could not go on.
    await Promise.allSettled([this.done]);
    await this.parts.kernel.close();
  }

  /** How each kind's watch is. */
  get watchStates(): ReadonlyMap<RuleKind, KindWatch["state"]> {
    return new Map([...this.watches].map(([kind, watch]) => [kind, watch.state]));
  }

  /** Milliseconds since the oldest change that is not in the kernel yet; undefined: there is none. */
  get oldestChangeMs(): number | undefined {
    const { oldestAt } = this.changes;
    return Number.isFinite(oldestAt) ? this.parts.clock.now() - oldestAt : undefined;
  }

  /** How many elements each set should hold, by `family set`. */
  get elements(): ReadonlyMap<string, number> {
    return this.expected.counts();
  }

  get tables(): NodeTables {
    return this.parts.tables;
  }

  // --- events ------------------------------------------------------------------------------------------------------------

  private take(kind: RuleKind, event: KindEvent): void {
    const { tables, clock, log } = this.parts;
    switch (event.kind) {
      case "put":
        if (kind === "Node") {
          this.isNodeEligible = isEligible(event.object);
          this.hasNode = true;
        }
        tables.put(kind, event.object);
        break;
      case "delete":
        if (kind === "Node") this.hasNode = false;
        tables.delete(kind, event.key);
        break;
      case "synced":
        this.synced.add(kind);
        break;
      case "trouble": {
        const { trouble, waitMilliseconds: wait } = event;
        log(`${kind}: ${trouble.message}${wait > 0 ? ` (again in ${Math.ceil(wait)} ms)` : ""}`);
        return;
      }
      default:
        unreachable(event);
    }
    if (event.kind !== "synced") {
      this.counts.event(kind, event.kind === "put" ? event.object : undefined, clock.wallTime());
      if (tables.waiting > 0) this.changes.came(clock.now());
    }
    // Nothing is done before all is listed.
    if (this.synced.size === KINDS.length) this.wake();
  }

  private async run(): Promise<void> {
    const { clock, ready } = this.parts;
    await ready;
    while (!this.stopper.signal.aborted && this.synced.size < KINDS.length) await this.sleep(this.times.lookMs);
    if (this.stopper.signal.aborted) return;
    await this.attempt(() => this.start());
    this.counts.startedAt = clock.wallTime();
    this.markStarted();
    this.parts.onLoaded?.();
    while (!this.stopper.signal.aborted) {
      const wait = this.nextTurnMs();
      if (wait > 0) await this.sleep(wait);
      await this.attempt(() => this.turn());
    }
  }

  /** Milliseconds until something is to be done. */
  private nextTurnMs(): number {
    const now = this.parts.clock.now();
    const look = this.comparison.hasEnded ? 0 : this.lookAt - now;
    return Math.min(look, this.ripeAt - now);
  }

  /** When what waits is to become a transaction: at once after a while without one, else when no more has come for a moment. */
  private get ripeAt(): number {
    const { settleMs, longestMs, restMs = 0 } = this.times;
    const { firstAt, lastAt } = this.changes;
    const ripe = firstAt - this.flushedAt > longestMs ? firstAt : Math.min(lastAt + settleMs, firstAt + longestMs);
    return Math.max(ripe, this.flushedAt + restMs);
  }

  private async turn(): Promise<void> {
    const { clock } = this.parts;
    if (this.owed !== undefined || this.isUnsettled) {
      await this.restore(this.owed ?? "trouble");
      await this.settled();
    }
    const found = this.comparison.take();
    if (found !== undefined) await this.drifted(found);
    if (clock.now() >= this.ripeAt) await this.flush();
    if (clock.now() < this.lookAt) return;
    await this.look();
    await this.forgetConnections();
    this.lookAt = clock.now() + this.times.lookMs;
  }

  /** Does `work` until it is done; what goes wrong is told, and tried again after a while. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.parts;
    for (let wait: number = RETRY_MS[0]; !this.stopper.signal.aborted; wait = Math.min(2 * wait, RETRY_MS[1])) {
      try {
        await work();
        return;
      } catch (error) {
        if (error instanceof LockLost) throw error;
        this.counts.failures++;
        log(error instanceof Error ? error.message : String(error));
        this.comparison.suspect();
        await pause(clock, wait, this.stopper.signal);
      }
    }
  }

  private async sleep(milliseconds: number): Promise<void> {
    const { clock } = this.parts;
    await new Promise<void>((resolve) => {
      const callOff = clock.after(milliseconds, resolve);
      this.wake = () => {
        callOff();
        resolve();
      };
    });
  }

  // --- transactions --------------------------------------------------------------------------------------------------------

  /** The first transactions, when all objects are known. Half a list would be half a cluster. */
  private async start(): Promise<void> {
    const { tables, kernel } = this.parts;
    if (this.isUnsettled || (await kernel.hasTables())) {
      for (
        let update = tables.update(SERVICES_AT_ONCE);
        update !== undefined;
        update = tables.update(SERVICES_AT_ONCE)
      ) {
        this.note(update);
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.allTaken();
      await this.restore("start");
      await this.settled();
    } else {
      this.knownGeneration = await kernel.generation();
      await this.flush("full");
    }
  }

  /** Makes transactions of everything that waits. */
  private async flush(kind: "full" | "partial" = "partial"): Promise<void> {
    const { tables, clock, kernel, onTransaction } = this.parts;
    const begun = clock.now();
    await this.comparison.giveWay();
    while (tables.waiting > 0 && !this.stopper.signal.aborted) {
      this.isUnsettled = true;
      const { steps, update } = nextSteps(this.parts, (taken, last) => this.taken(taken, last));
      if (tables.waiting === 0) this.allTaken();
      if (!(await this.settle())) continue;
      if (steps.length > 0 && update !== undefined) onTransaction?.(kernel.print(update.changes), update);
      for (const step of steps) {
        if (!(await this.settle())) break;
        await this.underWay.send(step);
      }
    }
    await this.settle();
    this.isUnsettled = false;
    if (this.stopper.signal.aborted) return;
    await this.settled();
    this.counts.synced(kind, clock.now() - begun, clock.wallTime());
  }

  private allTaken(): void {
    this.changes.taken();
    this.counts.allTaken();
  }

  /** What was taken is in the kernel. */
  private async settled(): Promise<void> {
    const { tables, clock, onSync } = this.parts;
    this.changes.settled();
    this.flushedAt = clock.now();
    await this.forgetConnections();
    this.counts.settled(clock.wallTime());
    onSync?.(tables);
  }

  /** What `update` comes to is expected of the kernel, when it is restored. */
  private note(update: NodeUpdate): void {
    this.connections.note(update);
    for (const change of update.changes) this.expected.apply(change);
  }

  /** The transactions that make `update`, besides what is added to `last`. What they come to is expected of the kernel from now on. */
  private taken(update: NodeUpdate, last: KernelStep | undefined): readonly KernelStep[] {
    this.connections.note(update);
    const steps = this.parts.kernel.steps(update.changes, this.expected, last);
    const ofRules = steps.filter(({ changes }) => !changes.every(isOfElements)).length;
    if (ofRules > 0) this.areRulesRight = false;
    this.rulesUnderWay += ofRules;
    return steps;
  }

  /** Waits for the transaction that is under way. False: it was refused, and all has been restored, with what was taken since. */
  private async settle(): Promise<boolean> {
    const answered = await this.underWay.answer();
    if (answered === undefined) return true;
    const { step, answer, milliseconds } = answered;
    this.counts.transaction(answer, milliseconds);
    if (answer.kind === "done") await this.applied(step.changes);
    else await this.recover(answer);
    return answer.kind === "done";
  }

  /** Deletes entries of conntrack that rules no longer lead to, when the kernel has the rules. Those that the kernel keeps are tried again. */
  private async forgetConnections(): Promise<void> {
    const { tables, kernel, log, clock } = this.parts;
    if (this.connections.isEmpty || this.owed !== undefined) return;
    const frontends = this.connections.take();
    const begun = clock.now();
    try {
      const addresses = tables.settings?.node.addresses ?? [];
      const deleted = await kernel.forgetConnections(frontends, addresses);
      this.counts.forgot(deleted, clock.now() - begun);
    } catch (error) {
      if (error instanceof LockLost) throw error;
      this.connections.putBack(frontends);
      log(`entries of conntrack cannot be deleted: ${error instanceof Error ? error.message : error}`);
    }
  }

  private async applied(changes: readonly TableChange[]): Promise<void> {
    const { kernel } = this.parts;
    this.knownGeneration++;
    if (changes.every(isOfElements)) return;
    this.rules = await kernel.rules();
    // What others have committed meanwhile is not to pass for ours.
    const isOurs = (await kernel.generation()) === this.knownGeneration;
    if (!isOurs) this.owed ??= "drift";
    this.rulesUnderWay--;
    this.areRulesRight = isOurs && this.rulesUnderWay === 0;
  }

  /** Our picture of the tables was wrong, or nobody knows what came into force: whatever is there becomes what is wanted. */
  private async recover({ reason, message }: Extract<TransactionAnswer, { kind: "refused" }>): Promise<void> {
    this.parts.log(`the kernel refused a transaction (${reason}): ${beginningOf(message)}`);
    await this.restore(reason);
  }

  /** Makes the tables what they should be, whatever is there. */
  private async restore(why: string): Promise<void> {
    const { log, clock } = this.parts;
    this.owed = why;
    this.comparison.stop();
    const begun = clock.now();
    const right = this.areRulesRight ? this.rules : undefined;
    const { differed, rules, generation, isAlone } = await restoreAlone(this.parts, this.expected, right, this.counts);
    this.rules = rules;
    this.knownGeneration = generation;
    this.areRulesRight = isAlone;
    this.rulesUnderWay = 0;
    this.owed = undefined;
    this.isUnsettled = false;
    this.comparison.settled();
    this.counts.restored(why);
    this.counts.synced("full", clock.now() - begun, clock.wallTime());
    if (why !== "start") log(`restored the tables (${why}): ${differed} sets, maps and chains differed`);
    this.parts.onLoaded?.();
  }

  // --- drift ---------------------------------------------------------------------------------------------------------------

  /** Each second: whether somebody else has committed, and then whether the tables are what they should be. */
  private async look(): Promise<void> {
    const { kernel } = this.parts;
    const generation = await kernel.generation();
    if (generation !== this.knownGeneration) {
      this.knownGeneration = generation;
      const others = await kernel.changedByOthers(this.rules);
      if (others.kind === "differs") return await this.drifted(others.what);
      if (others.kind === "unknown") this.comparison.suspect();
    }
    await this.comparison.begin(this.times.compareMs);
  }

  private async drifted(what: string): Promise<void> {
    this.counts.drifted(what);
    this.parts.log(`others have changed the tables: ${what}`);
    this.parts.onDrifted?.(what);
    if (this.parts.onDrift === "report") {
      this.areRulesRight = false;
      this.rules = await this.parts.kernel.rules();
    } else await this.restore("drift");
  }
}
