/** A lab and what is predicted of it: flows are walked and made, and the two stand beside each other. */
import type { Source } from "../../compiler/diagnostics.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import type { Host, Network } from "../../compiler/network/network.ts";
import { expectedSightings } from "../../compiler/walk/expected.ts";
import type { Walk, WalkBranch, WalkFlow } from "../../compiler/walk/types.ts";
import type { PacketWalker } from "../../compiler/walk/walk.ts";
import { PROTOCOL } from "../packet.ts";
import { compareWalk, type ObservedWalk, type WalkComparison } from "./compare-walk.ts";
import { type LabIngress, type LabRequest, NO_REQUEST, requestText, startIngress } from "./ingress.ts";
import { PacketLab, type PacketLabOptions } from "./lab.ts";
import type { ProxyProgram } from "./proxies.ts";
import type { LabSighting } from "./sightings.ts";

/** The network that is built, and what predicts packets in it. */
export interface LabDescription {
  readonly network: Network;
  readonly walker: PacketWalker;
  readonly programOf: (host: Host) => Program | undefined;
  /** The dumps that the rules of a host were given as. */
  readonly dumpsOf?: (host: Host) => readonly Source[];
}

/** A flow that was walked and made once. */
export interface LabAttempt {
  /** With the source port that it had. */
  readonly walk: Walk;
  readonly observed: ObservedWalk;
  /** Undefined: nothing was predicted. */
  readonly comparison: WalkComparison | undefined;
  /** By host, what takes the connection on its predicted way, and may make another. */
  readonly proxies: ReadonlyMap<string, ProxyProgram>;
  /** Hosts whose packets were not heard. None of them is on the predicted walk. */
  readonly unwatched: readonly string[];
}

const ECHO: ReadonlySet<number> = new Set([PROTOCOL.icmp, PROTOCOL.icmpv6]);

/** Source ports are counted up from here: what is left of one flow is not to be met by another. */
const FIRST_PORT = 40_000;
const LAST_PORT = 60_999;

/** How long a client waits. */
interface Waiting {
  /** Milliseconds until silence counts as an answer, if no packet waits for a processor then. Packets of a lab take less than one to arrive. */
  readonly patience: number;
  readonly endsWhenQuiet: boolean;
}

function waitingFor({ branches }: Walk): Waiting {
  if (branches.every(({ back }) => back?.end.kind === "delivered")) return { patience: 5000, endsWhenQuiet: false };
  const isRefused = branches.some(({ there, notice }) => there.end.kind === "rejected" && !isUnheard(notice));
  // A client that does not hear the first refusal tries again after one second, and after three.
  return isRefused ? { patience: 3500, endsWhenQuiet: false } : { patience: UNANSWERED_MS, endsWhenQuiet: true };
}

/** Whether the sender is not told. */
function isUnheard(notice: WalkBranch["notice"]): boolean {
  return notice !== undefined && notice.end.kind !== "delivered";
}

/** Milliseconds until nothing more comes, where no answer was predicted. */
const UNANSWERED_MS = 300;

/** Milliseconds for which a busy machine is waited for. */
const BUSY_MS = 5000;

function isOtherProgram({ name }: ProxyProgram): boolean {
  return name === "haproxy";
}

/** How a session works. */
export interface LabSessionOptions extends PacketLabOptions {
  /** Servers of TCP answer by HTTP, too. */
  readonly isHttp?: boolean;
  /** All that is heard is kept, up to a limit. */
  readonly keepsAll?: boolean;
  /** Undefined: no proxy serves Ingresses. */
  readonly ingress?: LabIngress;
}

export interface AttemptOptions {
  /** Undefined: one that no flow had before. */
  readonly sourcePort?: number;
  /** Milliseconds until silence counts as an answer; undefined: as the prediction needs. */
  readonly patience?: number;
  /** Undefined: the connection is for none. */
  readonly request?: LabRequest | undefined;
}

/** Sightings that are kept. */
const MOST_KEPT = 200_000;

/** Close it: its namespaces live as long as its process. */
export class LabSession {
  readonly lab: PacketLab;
  /** What is predicted; it has to be of the hosts that were built. */
  description: LabDescription;
  private readonly options: LabSessionOptions;
  private readonly kept: LabSighting[] = [];
  /** Packets of flows before. */
  private readonly earlier = new Set<string>();
  private nextPort = FIRST_PORT;

  private constructor(lab: PacketLab, description: LabDescription, options: LabSessionOptions) {
    this.lab = lab;
    this.options = options;
    this.description = description;
  }

  /** Builds the network, with the rules of its hosts. Throws LabTrouble where the kernel refuses something. */
  static async open(description: LabDescription, options: LabSessionOptions = {}): Promise<LabSession> {
    const { network, programOf, dumpsOf } = description;
    const given = dumpsOf === undefined ? {} : { dumpsOf };
    const lab = await PacketLab.up(network, programOf, { ...options, ...given });
    try {
      if (options.ingress !== undefined) await startIngress(lab, options.ingress);
      return new LabSession(lab, description, options);
    } catch (error) {
      lab.close();
      throw error;
    }
  }

  /** Walks a flow, and makes it. */
  async attempt(wanted: WalkFlow, options: AttemptOptions = {}): Promise<LabAttempt> {
    const attempt = await this.attemptOnce(wanted, options);
    // On a busy machine the client may give up before a neighbour on the way has answered.
    if (attempt.comparison === undefined || !isCutShort(attempt.comparison)) return attempt;
    const passed = hostsOn(attempt.walk);
    const until = performance.now() + BUSY_MS;
    let hasWaited = false;
    while (performance.now() < until && (await this.isAnyWaiting(passed))) {
      hasWaited = true;
      await this.lab.pause(UNANSWERED_MS);
    }
    const wasSent = attempt.observed.sightings.some(({ packet }) => packet.role === "request");
    // The kernel makes routes to its own IPv6 addresses later than these: until then it sends nothing by them.
    const isSent = attempt.walk.branches.some(({ there }) => expectedSightings(there).length > 0);
    return hasWaited || (isSent && !wasSent) ? this.attemptOnce(wanted, options) : attempt;
  }

  /** Whether one of the hosts has asked for a neighbour, and has no answer yet. */
  private async isAnyWaiting(hosts: Iterable<string>): Promise<boolean> {
    const list = ["-4", "-6"].map((family) => `ip ${family} neigh show nud incomplete`).join("; ");
    const lists = await Promise.all([...hosts].map((host) => this.lab.run(host, list)));
    return lists.some((text) => text !== "");
  }

  private async attemptOnce(wanted: WalkFlow, options: AttemptOptions): Promise<LabAttempt> {
    const { sourcePort, patience, request } = options;
    const isEcho = ECHO.has(wanted.protocol);
    const port = sourcePort ?? this.freePort();
    const flow = isEcho ? wanted : { ...wanted, sourcePort: port };
    const walk = this.description.walker.walk(flow);
    // The lab does one after the other: what it has heard so far is of earlier flows.
    await Promise.all([this.serve(walk), this.watch(walk), this.hear()]);
    const waiting = { ...this.waitingFor(walk), ...(patience === undefined ? {} : { patience }) };
    const isHttp = this.options.isHttp === true;
    const sent = request === undefined ? this.wordsFor(walk) : requestText(request);
    const asked = this.lab.ask({ ...flow, sourcePort: port, isHttp, request: sent, tls: request?.tls, ...waiting });
    const [answer, seen] = await Promise.all([asked, this.hear()]);
    const heard = [...seen];
    const observe = (): LabAttempt => {
      // Hosts that wait for the end of an earlier flow send their packets again.
      const sightings = heard.filter(
        (each) => protocolOf(each) === flow.protocol && (isEcho || !this.earlier.has(keyOf(each))),
      );
      const observed = { answer, sightings };
      return {
        walk,
        observed,
        comparison: compareWalk(walk, observed),
        proxies: this.proxiesOn(walk),
        unwatched: this.lab.unwatched(),
      };
    };
    let attempt = observe();
    // What is not as predicted gets all the time that it may need, and so does another program on a busy machine.
    const most = [...attempt.proxies.values()].some(isOtherProgram)
      ? BUSY_MS
      : waiting.endsWhenQuiet
        ? waiting.patience
        : 0;
    for (let waited = 0; attempt.comparison?.isEqual !== true && waited < most; waited += UNANSWERED_MS) {
      await this.lab.pause(UNANSWERED_MS);
      heard.push(...(await this.hear()));
      attempt = observe();
    }
    for (const each of heard) this.earlier.add(keyOf(each));
    return attempt;
  }

  /** Packets of other programs may be under way on other processors. */
  private waitingFor(walk: Walk): Waiting {
    const waiting = waitingFor(walk);
    if (![...this.proxiesOn(walk).values()].some(isOtherProgram)) return waiting;
    const mayBeAnswered = walk.branches.some(({ back }) => back?.end.kind === "delivered");
    return { patience: mayBeAnswered ? BUSY_MS : waiting.patience, endsWhenQuiet: false };
  }

  /** Proxies that the connection is delivered to. */
  private proxiesOn({ branches }: Walk): ReadonlyMap<string, ProxyProgram> {
    const ends = branches.flatMap(({ there }) => there.hops).filter(({ outInterface }) => outInterface === undefined);
    const found = ends.flatMap(({ host }): [string, ProxyProgram][] => {
      const program = this.lab.proxyOf(host);
      return program === undefined ? [] : [[host, program]];
    });
    return new Map(found);
  }

  /** Hears all hosts, or as many as can be heard: pods are the last. */
  async watchAll(): Promise<void> {
    await this.lab.watch([], this.podsLast([...this.description.network.hosts.keys()]));
  }

  /** All that was heard so far, where the session keeps it. */
  async everything(): Promise<readonly LabSighting[]> {
    await this.hear();
    return this.kept;
  }

  /** Serves at a port of a host from now on, at its address `address`. */
  async serveAt(host: string, protocol: number, address: Address, port: number): Promise<void> {
    if (!this.isIngressAt(host, protocol, port) && !this.isBalancerAt(host, protocol, port))
      await this.lab.serve(host, protocol, address, port, this.options.isHttp);
  }

  /** Whether a proxy that runs in the lab serves there itself. */
  private isIngressAt(host: string, protocol: number, port: number): boolean {
    const places = protocol === PROTOCOL.tcp ? this.options.ingress?.places : undefined;
    return places?.some((each) => each.host === host && [...each.ports, ...each.tlsPorts].includes(port)) === true;
  }

  /** Whether a load balancer that is a proxy serves there. */
  private isBalancerAt(host: string, protocol: number, port: number): boolean {
    const proxies = this.description.network.hosts.get(host)?.proxies ?? [];
    return proxies.some((each) => each.protocol === protocol && each.port === port);
  }

  /** What a client says that has no request; undefined: servers of the lab do not care. */
  private wordsFor({ flow, branches }: Walk): string | undefined {
    const meetsIngress = branches.some(
      ({ there: { end } }) =>
        end.kind === "delivered" && this.isIngressAt(end.host, flow.protocol, end.tuple.destinationPort),
    );
    return meetsIngress ? NO_REQUEST : undefined;
  }

  private async hear(): Promise<LabSighting[]> {
    const heard = await this.lab.sightings();
    if (this.options.keepsAll === true) this.kept.push(...heard.slice(0, Math.max(0, MOST_KEPT - this.kept.length)));
    return heard;
  }

  close(): void {
    this.lab.close();
  }

  /** A source port that no flow had before; after tens of thousands again one that an early flow had. */
  freePort(): number {
    const port = this.nextPort;
    this.nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
    if (port === FIRST_PORT) this.earlier.clear();
    return port;
  }

  private async serve({ flow, branches }: Walk): Promise<void> {
    if (ECHO.has(flow.protocol)) return;
    const ends = branches.flatMap(({ there: { end } }) => (end.kind === "delivered" ? [end] : []));
    await Promise.all(
      ends.map(({ host, tuple }) => this.serveAt(host, flow.protocol, tuple.destination, tuple.destinationPort)),
    );
  }

  /** Hears the hosts that the packets are to pass, and as many of those that are linked to them, and of others, as can be heard. */
  private async watch({ branches }: Walk): Promise<void> {
    const { hosts, links } = this.description.network;
    const passed = hostsOn({ branches });
    const linked = links.flatMap(({ ends: [a, b] }) =>
      passed.has(a.host) ? [b.host] : passed.has(b.host) ? [a.host] : [],
    );
    await this.lab.watch([...passed], [...this.podsLast(linked), ...this.podsLast([...hosts.keys()])]);
  }

  private podsLast(names: readonly string[]): string[] {
    const { hosts } = this.description.network;
    const isPod = (name: string): boolean => hosts.get(name)?.role.kind === "pod";
    return [...names.filter((name) => !isPod(name)), ...names.filter(isPod)];
  }
}

function hostsOn({ branches }: Pick<Walk, "branches">): Set<string> {
  return new Set(branches.flatMap(({ there, back }) => [...there.hops, ...(back?.hops ?? [])]).map(({ host }) => host));
}

/** Whether packets are missing, and those that were seen are as predicted. */
function isCutShort({ rows }: WalkComparison): boolean {
  const different = rows.filter(({ isEqual }) => !isEqual);
  return different.length > 0 && different.every(({ observed }) => observed === undefined);
}

function protocolOf({ packet }: LabSighting): number {
  return (packet.carries ?? packet).protocol;
}

function keyOf({ packet }: LabSighting): string {
  const { protocol, tuple } = packet.carries ?? packet;
  const { source, sourcePort, destination, destinationPort } = tuple;
  return `${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
}
