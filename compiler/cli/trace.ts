import { existsSync } from "node:fs";
import { type Compiled, type CompileResult, compileSpecs } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson } from "../documents/render.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { unknownsIn } from "../evaluate/unknown/condition.ts";
import type { Engine } from "../expectations/engines/types.ts";
import { readRules } from "../formats/read-rules.ts";
import { localHints } from "../library/local-hints.ts";
import { outcomesOf } from "../library/trace.ts";
import { unreadIn } from "../library/unread.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import { resolveConfig } from "../node/resolve.ts";
import { loadSpecs } from "../specs/load.ts";
import type { Specs } from "../specs/types.ts";
import { traceToJson } from "../trace/json.ts";
import { AddressNames } from "../trace/names.ts";
import { packetNode } from "../trace/packet-node.ts";
import { type PacketText, parseTraceText } from "../trace/parse.ts";
import { renderTrace, type TraceSubject } from "../trace/render.ts";
import { type ResolvedPacket, resolvePacket } from "../trace/resolve.ts";
import { readConfig } from "./config.ts";
import { chooseEngines } from "./engines.ts";
import { sourcesOf } from "./inputs.ts";
import { withHeaderFlags } from "./request-flags.ts";
import { EXIT, exitCodeOf, inputsOf, loadOnce, note, optionsOf, print, showDiagnostics, showFirst } from "./session.ts";
import { traceWalk, type WalkFlags } from "./trace-walk.ts";
import { Trouble } from "./trouble.ts";

export interface TraceFlags extends WalkFlags {
  /** Wait for such a packet on this host. */
  readonly live?: boolean;
  readonly wait?: number;
  /** Of a request: `Name: value`. */
  readonly header?: readonly string[];
  readonly engine: string;
  /** Files with rules, by commas: they are followed instead of what the manifests compile to. */
  readonly rules?: string;
}

/** `kpc trace`: the way of one packet, and the rules that decided it. */
export async function traceCommand(text: string, names: readonly string[], flags: TraceFlags): Promise<number> {
  const [engine, ...others] = (await chooseEngines(flags.engine)).forPackets;
  if (engine === undefined || others.length > 0) throw new Trouble("kpc trace takes one engine");
  const reason = engine.unavailable();
  if (reason !== undefined) throw new Trouble(`engine ${engine.name} cannot run here: ${reason}`);
  refusePictureFlags(flags);
  const questions: Diagnostic[] = [];
  const report: Report = (diagnostic) => void questions.push(diagnostic);
  const written = parseTraceText({ name: "packet", text }, report);
  const asked = written && withHeaderFlags(written, flags.header);
  if (asked === undefined) {
    refuseSwapped(text, names);
    return trouble(questions, flags);
  }
  if (asked.packet === undefined) {
    refuseWithRequest(flags);
    const { load, config } = inputsOf(names, flags);
    const loaded = loadOnce(load);
    if (loaded(() => undefined).nodes.length === 0)
      throw new Trouble(
        "a request is followed through the whole cluster, and the input has no Node: kpc whatis URL tells its rule",
      );
    return traceWalk(asked, loaded, config, flags);
  }
  const packetText = asked.packet;
  if (flags.live === true) {
    refuseWithLive(flags);
    const known = knownNames(packetText, names, flags, report);
    if (typeof known === "number") return known;
    const { traceLiveCommand } = await import("./trace-live.ts");
    return traceLiveCommand(packetText, known, { ...flags, wait: flags.wait ?? DEFAULT_WAIT });
  }
  if (flags.wait !== undefined) throw new Trouble("--wait is for --live");
  if (flags.rules !== undefined) {
    refuseWalkFlags(flags, "--rules gives those of one");
    return traceRules(packetText, names, flags, flags.rules, engine);
  }
  const { load, config } = inputsOf(names, flags);
  const loaded = loadOnce(load);
  const single = whyOneNode(packetText, flags, engine, () => loaded(() => undefined));
  if (single === undefined) return traceWalk(asked, loaded, config, flags);
  refuseWalkFlags(flags, single.reason);
  if (single.isSurprising) note([`kpc follows the rules of one node, because ${single.reason}`], flags);
  const result = compileNamed({ load: loaded, config }, flags, packetText);
  const { compiled } = result;
  if (compiled === undefined) return exitCodeOf(result.diagnostics);
  const resolved = resolvePacket(packetText, compiled, report);
  if (resolved === undefined) return trouble(questions, flags);
  const [outcomes = []] = await engine.run(compiled, [resolved.packet]).finally(() => engine.close());
  const rulesWereRead = engine.name === "nft" || engine.name === "iptables";
  const subject = {
    where: describe(compiled, packetText, flags),
    rulesWereRead,
    names: new AddressNames(compiled.specs, compiled.node),
  };
  return tell(resolved, outcomes, subject, flags);
}

/** How many seconds `--live` waits for the packet. */
const DEFAULT_WAIT = 60;

/** Throws `Trouble` for flags that say which rules are followed: with --live it is those of this host. */
function refuseWithLive(flags: TraceFlags): void {
  if (flags.rules !== undefined) throw new Trouble("--live follows the rules of this host: leave out --rules");
  if (flags.engine !== "ir") throw new Trouble("--live asks the kernel of this host: leave out --engine");
  refuseWalkFlags(flags, "--live asks the kernel of this host");
}

/** Throws `Trouble` for flags by which one node's rules are followed: a request passes those of several. */
function refuseWithRequest({ live, rules, node, engine, wait }: TraceFlags): void {
  const flag =
    live === true
      ? "--live"
      : rules !== undefined
        ? "--rules"
        : node !== undefined
          ? "--node"
          : engine !== "ir"
            ? "--engine"
            : wait !== undefined
              ? "--wait"
              : undefined;
  if (flag !== undefined)
    throw new Trouble(`${flag} is for packets: a request is followed through the whole cluster, so leave it out`);
}

/** What gives the names in `text`: the manifests where there are any; an exit code where they cannot be read. */
function knownNames(
  text: PacketText,
  names: readonly string[],
  flags: TraceFlags,
  report: Report,
): Pick<Compiled, "specs" | "node" | "settings"> | number {
  if (names.length === 0) return knowNothing(flags, report);
  const { compiled, diagnostics } = compileNamed(inputsOf(names, flags), { ...flags, complete: false }, text);
  return compiled ?? exitCodeOf(diagnostics);
}

/** Why the packet is led through the rules of one node only; undefined: it is led through the whole cluster. */
function whyOneNode(
  { inInterface, mark }: PacketText,
  { node }: TraceFlags,
  { name }: Engine,
  specs: () => Specs,
): { readonly reason: string; readonly isSurprising: boolean } | undefined {
  const because = (reason: string, isSurprising: boolean) => ({ reason, isSurprising });
  if (node !== undefined) return because("--node names it", false);
  if (name !== "ir") return because(`engine ${name} knows no other`, false);
  if (inInterface !== undefined) return because("the packet names an interface (iif)", true);
  if (mark !== 0) return because("the packet has a mark", true);
  return specs().nodes.length > 0 ? undefined : because("the input has no Node", false);
}

/** Throws `Trouble` for flags of pictures where none is drawn. */
function refusePictureFlags({ output, branch, scheme, transparent, table, drawing }: TraceFlags): void {
  if (output === "svg") {
    if (table === false && drawing === false)
      throw new Trouble("--no-table and --no-drawing leave nothing: leave out one of them");
    return;
  }
  const flag =
    branch !== undefined
      ? "--branch"
      : scheme !== undefined
        ? "--scheme"
        : transparent === true
          ? "--transparent"
          : table === false
            ? "--no-table"
            : drawing === false
              ? "--no-drawing"
              : undefined;
  if (flag !== undefined) throw new Trouble(`${flag} is for pictures: expected -o svg`);
}

/** Throws `Trouble` for flags that are about the whole cluster. */
function refuseWalkFlags({ output, all, reply }: TraceFlags, reason: string): void {
  const flag =
    output === "mermaid" || output === "pcapng" || output === "svg"
      ? `-o ${output}`
      : all === true
        ? "--all"
        : reply === false
          ? "--no-reply"
          : undefined;
  if (flag === undefined) return;
  throw new Trouble(
    `${flag} is for packets through the whole cluster, and kpc follows the rules of one node, because ${reason}`,
  );
}

/** Throws `Trouble` where a file stands in the packet's place. */
function refuseSwapped(text: string, names: readonly string[]): void {
  const packet = names.find((name) => name.includes(">"));
  if (packet === undefined && (text.includes(">") || !existsSync(text))) return;
  const files = [text, ...names.filter((name) => name !== packet)].join(" ");
  throw new Trouble(`${text} is not a packet: expected the packet first: kpc trace '${packet ?? "PACKET"}' ${files}`);
}

/** Follows rules that are not ours. Manifests are there for the names in the packet: of a host that has them, not of one that
 *  kpc makes up. */
async function traceRules(
  text: PacketText,
  names: readonly string[],
  flags: TraceFlags,
  rules: string,
  engine: Engine,
): Promise<number> {
  if (engine.name !== "ir") throw new Trouble(`engine ${engine.name} follows manifests, not rules: leave out --engine`);
  const questions: Diagnostic[] = [];
  const report: Report = (diagnostic) => void questions.push(diagnostic);
  const known = knownNames(text, names, flags, report);
  if (typeof known === "number") return known;
  const resolved = resolvePacket(text, known, report);
  if (resolved === undefined) return trouble(questions, flags);
  const findings: Diagnostic[] = [];
  const find: Report = (diagnostic) => void findings.push(diagnostic);
  const sources = sourcesOf(rules);
  const program = await readRules(sources, find);
  const { outcomes, incomplete, findings: all } = outcomesOf({ program, known, sources, findings }, resolved);
  showFirst(all, flags);
  if (program.ruleset.tables.length === 0) throw new Trouble(`no rules in ${rules}`);
  const subject = { where: `rules of ${rules}`, rulesWereRead: true, names: new AddressNames(known.specs, known.node) };
  const code = await tell(resolved, outcomes, subject, flags, { unread: unreadIn(all), incomplete });
  const isOpen = outcomes.some(({ condition }) =>
    [...unknownsIn(condition)].some(({ locality }) => locality !== undefined),
  );
  if (isOpen) note(localHints(program.ruleset.tables), flags);
  return code;
}

/** What a trace does not tell. */
interface Lack {
  /** Errors in the rules. */
  readonly unread?: readonly Diagnostic[];
  /** Why there may be more outcomes. */
  readonly incomplete?: string | undefined;
}

async function tell(
  resolved: ResolvedPacket,
  outcomes: readonly Outcome[],
  subject: TraceSubject,
  flags: TraceFlags,
  { unread = [], incomplete }: Lack = {},
): Promise<number> {
  const isWhole = unread.length === 0 && incomplete === undefined;
  if (flags.output === "json") {
    const more = { errors: unread.map(diagnosticToJson), ...(incomplete === undefined ? {} : { incomplete }) };
    await print(traceToJson(resolved, outcomes, subject, more));
  } else {
    const text = renderTrace(resolved, outcomes, subject);
    await print(incomplete === undefined ? text : `${text}\n${incomplete}\n`);
  }
  return outcomes.every(isDelivered) && isWhole ? EXIT.fine : EXIT.finding;
}

/** Compiles for the node where the packet meets its first rules, unless the flags name one. */
function compileNamed(
  { load, config }: ReturnType<typeof inputsOf>,
  flags: TraceFlags,
  text: PacketText,
): CompileResult {
  const nodeFor = (specs: Specs): string | undefined => packetNode(text, specs)?.name;
  const result = compileSpecs(load, config, { ...optionsOf(flags), nodeFor });
  showDiagnostics(result.diagnostics, flags);
  const { compiled } = result;
  const own = compiled && packetNode(text, compiled.specs);
  if (compiled === undefined || own === undefined || own.name === compiled.node.name) return result;
  const followed = compiled.node.name === undefined ? "no node in particular" : compiled.node.name;
  note([`the packet enters ${own.name} first (${own.because}), but kpc follows the rules of ${followed}`], flags);
  return result;
}

/** A node of which only the flags tell. */
function knowNothing(flags: TraceFlags, report: Report): Pick<Compiled, "specs" | "node" | "settings"> {
  const specs = loadSpecs([], report);
  return { specs, ...resolveConfig(withKubeProxy(readConfig(flags, report), specs, report), specs, () => undefined) };
}

function trouble(questions: readonly Diagnostic[], flags: TraceFlags): number {
  showDiagnostics(questions, flags);
  return EXIT.trouble;
}

/** Also a packet that no rule touches goes where its address leads. */
function isDelivered({ verdict }: Outcome): boolean {
  return verdict === "dnat" || verdict === "accept" || verdict === "pass";
}

function describe({ node, settings, specs }: Compiled, text: PacketText, flags: TraceFlags): string {
  const own = flags.node === undefined ? packetNode(text, specs) : undefined;
  const why = own === undefined || own.name !== node.name ? "" : ` (${own.because})`;
  return `${node.name === undefined ? "some node" : `node ${node.name}`}${why}, ${settings.mode} mode`;
}
