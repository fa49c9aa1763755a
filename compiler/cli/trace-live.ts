/** `kpc trace --live`: what the rules of this host do with a real packet, beside what they were predicted to do. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { LiveTraceTrouble, traceLive } from "../../runtime/kernel/live-trace.ts";
import { toolEnvironment } from "../../runtime/kernel/namespace.ts";
import type { Compiled } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson } from "../documents/render.ts";
import { Evaluator, knownOutcomes } from "../evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../evaluate/packet.ts";
import type { Program } from "../ir/types.ts";
import { type Address, familyOf, parseAddress } from "../net/address.ts";
import { armingCommands, LATER_VERDICT, type TracedTuple } from "../trace/live/arm.ts";
import { compareLive } from "../trace/live/compare.ts";
import { type HostListings, readHostRules } from "../trace/live/host-rules.ts";
import { liveToJson } from "../trace/live/json.ts";
import { readTraceLine, type TraceEvent } from "../trace/live/monitor.ts";
import { renderLive } from "../trace/live/text.ts";
import { AddressNames } from "../trace/names.ts";
import { type PacketText, protocolNumber } from "../trace/parse.ts";
import { resolveEnd } from "../trace/resolve.ts";
import { type CommonFlags, EXIT, note, print, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface LiveFlags extends CommonFlags {
  readonly output: string;
  /** How many seconds to wait for the packet. */
  readonly wait: number;
}

/** A packet's events come within microseconds of each other; so long after the last one it has left the host. */
const QUIET_MS = 200;

/** Waits for the first packet of a connection such as `text`, and compares. `known` has the names in it. */
export async function traceLiveCommand(
  text: PacketText,
  known: Pick<Compiled, "specs" | "node">,
  flags: LiveFlags,
): Promise<number> {
  const questions: Diagnostic[] = [];
  const tuple = tupleOf(text, known, (diagnostic) => void questions.push(diagnostic));
  if (tuple === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  if (process.getuid?.() !== 0) throw new Trouble("kpc trace --live asks the kernel about its packets: expected root");
  const found: Diagnostic[] = [];
  const { program, handleOf } = await readHostRules(listHost(), (diagnostic) => void found.push(diagnostic));
  showFirst(found, flags);
  const legacy = legacyTables();
  if (legacy.length > 0)
    note(
      [`this host has tables of iptables-legacy (${legacy.join(", ")}): the kernel tells nothing of their rules`],
      flags,
    );
  const { events, isInterrupted } = await eventsOf(tuple, flags);
  const packet = events.find((event) => event.kind === "packet")?.packet;
  if (packet === undefined)
    throw new Trouble(
      isInterrupted
        ? "interrupted before such a packet opened a connection through this host"
        : `no such packet opened a connection through this host within ${flags.wait} s`,
    );
  const comparison = compareLive(outcomesFor(program, packet), events, handleOf);
  const names = new AddressNames(known.specs, known.node);
  const errors = found.filter(({ severity }) => severity === "error");
  if (flags.output === "json") await print(liveToJson(packet, comparison, names, errors.map(diagnosticToJson)));
  else await print(renderLive(packet, comparison, names));
  return comparison.isAsPredicted && errors.length === 0 ? EXIT.fine : EXIT.finding;
}

/** Which packets are meant: a source that is `any` may be any, and so may a port that is not named. */
function tupleOf(text: PacketText, { specs }: Pick<Compiled, "specs">, report: Report): TracedTuple | undefined {
  const from = text.from.name === "any" ? ANYBODY : resolveEnd(text.from, text.protocol, specs, report);
  const to = resolveEnd(text.to, text.protocol, specs, report, from?.address);
  if (from === undefined || to === undefined) return undefined;
  const refuse = (message: string): undefined => {
    report({ severity: "error", code: "packet-syntax", message, origin: text.to.origin });
  };
  const family = familyOf(to.address);
  if (from.address !== undefined && familyOf(from.address) !== family)
    return refuse(`expected an ${familyOf(from.address)} address, as the source is one`);
  if (text.protocol !== "icmp" && to.port === undefined)
    return refuse("expected a port behind the destination, such as :80");
  return {
    protocol: protocolNumber(text.protocol, family),
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
  };
}

const ANYBODY: { readonly address: Address | undefined; readonly port: number | undefined } = {
  address: undefined,
  port: undefined,
};

/** What the host's own commands list. Those of iptables and ipset may be missing: then there is nothing of theirs. */
function listHost(): HostListings {
  const nft = list(["nft", "-a", "list", "ruleset"]);
  if (nft === undefined) throw new Trouble("nft cannot be run: expected it to be installed");
  const saved = (["ip", "ip6"] as const).flatMap((family) => {
    const name = `${family}tables-nft-save`;
    const text = list([name]);
    return text === undefined ? [] : [{ family, source: { name, text } }];
  });
  const ipsets = list(["ipset", "save"]);
  return { nft, saved, ipsets: ipsets === undefined ? [] : [{ name: "ipset save", text: ipsets }] };
}

/** What `command` prints; undefined: it is not installed. Throws `Trouble` where it fails. */
function list([program = "", ...args]: readonly string[]): string | undefined {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    env: toolEnvironment(),
    maxBuffer: 1 << 30,
  });
  if (error !== undefined) return undefined;
  if (status !== 0) throw new Trouble(`${[program, ...args].join(" ")}: ${stderr.trim()}`);
  return stdout;
}

/** Tables of iptables-legacy, by name. The kernel tells nothing of their rules; to list them would make them. */
function legacyTables(): string[] {
  const lists = ["ip", "ip6"].map((family) => `/proc/net/${family}_tables_names`).filter((path) => existsSync(path));
  return [...new Set(lists.flatMap((path) => readFileSync(path, "utf8").split("\n")))].filter((name) => name !== "");
}

/** Events of the first packet that opens a connection; none when no such packet comes in time. */
async function eventsOf(
  tuple: TracedTuple,
  flags: LiveFlags,
): Promise<{ readonly events: readonly TraceEvent[]; readonly isInterrupted: boolean }> {
  const { wait: seconds } = flags;
  const table = `kpc-trace-${process.pid}`;
  const packets = new Map<string, TraceEvent[]>();
  const later = new Set<string>();
  let chosen: readonly TraceEvent[] = [];
  let quiet: NodeJS.Timeout | undefined;
  let finish: (reason: unknown) => void = () => undefined;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const choose = (): void => {
    const opened = [...packets].find(([id, events]) => !later.has(id) && events.some(({ kind }) => kind === "packet"));
    packets.clear();
    if (opened === undefined) return;
    chosen = opened[1];
    finish(undefined);
  };
  const tell = (line: string): void => {
    const event = readTraceLine(line);
    if (event === undefined) return;
    if (event.table === table) {
      if (event.kind === "rule" && event.verdict === LATER_VERDICT) later.add(event.id);
      if (event.kind !== "packet") return;
    }
    packets.set(event.id, [...(packets.get(event.id) ?? []), event]);
    clearTimeout(quiet);
    quiet = setTimeout(choose, QUIET_MS);
  };
  const timer = setTimeout(finish, seconds * 1000);
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    finish(undefined);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    await traceLive(table, armingCommands(table, tuple, seconds + 5), tell, () => {
      note([`waiting for the packet, ${seconds} s at most`], flags);
      return finished;
    });
  } catch (problem) {
    if (problem instanceof LiveTraceTrouble) throw new Trouble(problem.message);
    throw problem;
  } finally {
    clearTimeout(timer);
    clearTimeout(quiet);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeListener(signal, interrupt);
  }
  return { events: chosen, isInterrupted };
}

function outcomesFor(program: Program, packet: Packet) {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const local = addresses.flatMap(({ address }) => parseAddress(address.replace(/%.*/, "")) ?? []);
  return knownOutcomes(new Evaluator(program).evaluate(packet, environmentOf(local)));
}
