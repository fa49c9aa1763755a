/** `kpc agent`: keeps the rules of this node right, as the API server tells of Services. */
import { readFileSync, writeFileSync } from "node:fs";
import { Agent } from "../../runtime/agent/agent.ts";
import { AGENT_TIMES, type AgentParts } from "../../runtime/agent/agent-parts.ts";
import { cleanUp } from "../../runtime/agent/clean-up.ts";
import { type AgentHealth, type HttpAnswer, healthAnswer, serveAnswers } from "../../runtime/agent/health.ts";
import { HealthCheckPorts, healthCheckHosts } from "../../runtime/agent/health-check-ports.ts";
import { keepHeapSmall } from "../../runtime/agent/heap.ts";
import { makeLittleMachineCode } from "../../runtime/agent/machine-code.ts";
import { printMetrics } from "../../runtime/agent/metrics.ts";
import { EventReporter } from "../../runtime/agent/reported-events.ts";
import { setSysctls, THIS_HOST, type WantedSysctl, wantedSysctls } from "../../runtime/agent/sysctls.ts";
import { listenWhenFree } from "../../runtime/agent/taken-address.ts";
import { watchNode } from "../../runtime/agent/watch-node.ts";
import { openAccess } from "../../runtime/api/access.ts";
import { type AccessDescription, inClusterAccess } from "../../runtime/api/access-description.ts";
import { ApiClient } from "../../runtime/api/client.ts";
import { REAL_CLOCK } from "../../runtime/api/clock.ts";
import { readKubeconfig } from "../../runtime/api/kubeconfig.ts";
import { NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { type AgentSettings, agentSettingsOf, type BindAddress, parseBindAddress } from "../node/agent-settings.ts";
import type { Config } from "../node/config.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import { resolveConfig } from "../node/resolve.ts";
import { specsOf } from "../updates/decode-service.ts";
import { NodeTables, type NodeUpdate } from "../updates/node-tables.ts";
import { tellFindings } from "./agent-findings.ts";
import {
  type AgentOutput,
  cleanUpOthers,
  kernelFor,
  mayWrite,
  outputOf,
  type TableLock,
  withTableLock,
} from "./agent-kernel.ts";
import { readConfig } from "./config.ts";
import { Ending } from "./ending.ts";
import { nameOfThisHost } from "./host-name.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, EXIT, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface AgentFlags extends CommonFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly dryRun?: boolean;
  readonly onDrift: "repair" | "report";
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly cleanup?: true | "kpc" | "kube-proxy";
  readonly initOnly?: boolean;
  readonly output?: AgentOutput;
}

/** Runs until a signal comes. The rules stay when it ends. */
export async function agentCommand(flags: AgentFlags): Promise<number> {
  if (flags.cleanup !== undefined) return await cleanUpCommand(flags);
  if (flags.dryRun === true || flags.initOnly === true) return await begin(flags, undefined);
  return await withTableLock(async (lock) => await begin(flags, lock));
}

/** `lock`: undefined: nothing of the host is changed, or only sysctls. */
async function begin(flags: AgentFlags, lock: TableLock | undefined): Promise<number> {
  const found: Diagnostic[] = [];
  const report = (finding: Diagnostic): void => void found.push(finding);
  const given = readConfig(flags, report);
  // What of kube-proxy's settings decides no rule may be followed nevertheless, and what is not is told setting by setting.
  const config = withNodeName(
    withKubeProxy(given, { kubeProxies: [] }, (finding) => {
      if (finding.code !== "ignored-field") report(finding);
    }),
  );
  const settings = given.kubeProxy && agentSettingsOf(given.kubeProxy, config.mode ?? "iptables", report);
  const isWrong = (): boolean => found.some(({ severity }) => severity === "error");
  let access: ReturnType<typeof accessFor>;
  try {
    // Settings with an error may be without the kubeconfig that they name.
    access = flags.initOnly || isWrong() ? undefined : accessFor(flags, settings?.kubeconfig, report);
  } finally {
    // Also where that throws, for want of a way to the server.
    showDiagnostics(found, flags);
  }
  if (isWrong()) return EXIT.trouble;
  const sysctls = wantedSysctls(settings?.conntrack, THIS_HOST, routesLocalnet(config));
  if (flags.initOnly) return await initialise(sysctls);
  if (access === undefined) return EXIT.trouble;
  if (!flags.dryRun) prepare(sysctls, settings?.oomScoreAdj);
  const client = new ApiClient(openAccess(access, REAL_CLOCK), REAL_CLOCK);
  // Who is refused asks the server for nothing.
  if (lock?.isTaken === true && !(await lock.isHeld)) return EXIT.fine;
  return await follow(client, config, flags, settings, lock);
}

/** Whether node ports answer on 127.0.0.1: then packets from there may leave the host. */
function routesLocalnet(config: Config): boolean {
  const nothing = (): void => undefined;
  return resolveConfig(config, specsOf([], nothing), nothing).settings.families.IPv4.localhostNodePorts;
}

/** `--init-only`: what needs more rights than the agent itself. */
async function initialise(sysctls: readonly WantedSysctl[]): Promise<number> {
  const { changed, failed } = setSysctls(sysctls, THIS_HOST);
  for (const line of changed) await print(`${line}\n`);
  for (const line of failed) process.stderr.write(`kpc: ${line}\n`);
  return failed.length > 0 ? EXIT.trouble : EXIT.fine;
}

/** The same as far as the agent itself may: what is left is told. */
function prepare(sysctls: readonly WantedSysctl[], oomScoreAdj: number | undefined): void {
  const { changed, failed } = setSysctls(sysctls, THIS_HOST);
  const lines = [...changed, ...failed.map((line) => `${line}; kpc agent --init-only sets it where it has the rights`)];
  if (oomScoreAdj !== undefined) lines.push(...setOomScore(oomScoreAdj));
  for (const line of lines) process.stderr.write(`kpc: ${line}\n`);
}

/** A line where that fails. */
function setOomScore(value: number): string[] {
  const path = "/proc/self/oom_score_adj";
  try {
    if (Number(readFileSync(path, "utf8")) !== value) writeFileSync(path, String(value));
    return [];
  } catch (error) {
    return [`oomScoreAdj cannot be set to ${value}: ${error instanceof Error ? error.message : error}`];
  }
}

async function follow(
  client: ApiClient,
  config: Config,
  flags: AgentFlags,
  settings: AgentSettings | undefined,
  lock: TableLock | undefined,
): Promise<number> {
  const { nodeName = "" } = config;
  const isReady = lock && mayWrite(lock);
  // Who waits for it is told.
  isReady?.catch(() => undefined);
  const output = outputOf(flags.output, config);
  const { kernel, backend, follower } = await kernelFor(output, lock);
  // Chains are no more than what compile makes: iptables has none that cost nothing.
  const tables = new NodeTables(config, { hasSpares: output === "nft", ...(follower && { follower }) });
  const compareMs = backend === "legacy" ? LEGACY_COMPARE_MS : undefined;
  const ending = lock?.ending ?? new Ending();
  const log = (line: string): void => void process.stderr.write(`kpc: ${line}\n`);
  const events = new EventReporter({
    nodeName,
    clock: REAL_CLOCK,
    // What would be done is shown, and nothing is done.
    send: (path, object, signal) => (flags.dryRun ? Promise.resolve() : client.write("POST", path, object, signal)),
    log,
  });
  const isWorking = (): boolean => (agent.oldestChangeMs ?? 0) < LONGEST_MS;
  const ports = new HealthCheckPorts(
    isWorking,
    (service, message) => {
      log(`Service ${service}: ${message}`);
      const note = `node ${nodeName}: ${message}`;
      events.report({ type: "Warning", reason: "FailedToStartServiceHealthcheck", action: "Listen", note, service });
    },
    REAL_CLOCK,
  );
  const told = tellFindings(tables, log);
  const watch = watchNode(client, nodeName, REAL_CLOCK);
  const onObject = makeLittleMachineCode();
  const parts: AgentParts = {
    tables,
    kernel,
    ready: isReady,
    clock: REAL_CLOCK,
    watch: (kind, sink) =>
      watch(kind, (event) => {
        onObject();
        sink(event);
      }),
    log,
    onDrift: flags.onDrift,
    times: { ...AGENT_TIMES, restMs: settings?.minSyncMs, compareMs: settings?.syncMs ?? compareMs },
    onLoaded: keepHeapSmall(),
    ...(flags.dryRun ? { onTransaction: printTransaction } : {}),
    ...(flags.verbose && !flags.dryRun ? { onTransaction: (text, update) => log(lineOf(text, update)) } : {}),
    onSync: flags.dryRun ? told : afterSync(tables, ports, events, told),
    onDrifted: (what) => reportDrift(events, flags, what),
  };
  const agent: Agent = new Agent(parts);
  const stopper = new AbortController();
  const work = async (): Promise<void> => {
    // Another agent may serve there until it has ended.
    if ((await isReady) === false) return;
    if (!flags.dryRun) await serve({ agent, client, events, stopped: stopper.signal }, config, flags, settings);
    void agent.started.then(async () => {
      const note = `kpc agent keeps the rules of ${agent.tables.size} Services`;
      events.report({ type: "Normal", reason: "Starting", action: "StartKpcAgent", note });
      if (flags.quiet !== true) log(`the rules of ${nodeName} are right: ${agent.tables.size} Services`);
      if (!agent.hasNode)
        log(`the API server has no Node ${nodeName}: of its addresses, zone and Pod CIDRs is known what settings say`);
      // Rules of an agent that wrote other ones would go on to lead packets to endpoints of then.
      if (!flags.dryRun) for (const line of await cleanUpOthers(backend)) log(line);
    });
    await agent.done;
  };
  try {
    await Promise.race([ending.promise, work()]);
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  } finally {
    ending.forget();
    stopper.abort();
    ports.close();
    events.stop();
    await agent.stop();
  }
  // Servers, and what the API server still says, are no reason to stay.
  process.exitCode = EXIT.fine;
  return EXIT.fine;
}

/** Milliseconds after which rules of iptables-legacy are compared, which tell of no change. */
const LEGACY_COMPARE_MS = 10_000;

/** Milliseconds after which a change that waits is a fault. */
const LONGEST_MS = 60_000;

function afterSync(tables: NodeTables, ports: HealthCheckPorts, events: EventReporter, tell: () => void): () => void {
  // Each list is made once, when its Service was last looked at.
  const told = new WeakSet<readonly string[]>();
  return () => {
    tell();
    const { healthChecks, settings, conflicts } = tables;
    if (settings !== undefined) void ports.set(healthChecks, healthCheckHosts(settings.settings));
    for (const [service, lost] of conflicts) {
      const [first, ...others] = lost;
      if (first === undefined || told.has(lost)) continue;
      told.add(lost);
      const note = `no rule is made for it: ${first}${others.length === 0 ? "" : ` (and ${others.length} more)`}`;
      events.report({ type: "Warning", reason: "AddressTaken", action: "AssignAddress", note, service });
    }
  };
}

function reportDrift(events: EventReporter, { onDrift }: AgentFlags, what: string): void {
  const note = `others have changed the rules of kpc: ${what}`;
  const action = onDrift === "report" ? "ReportRules" : "RepairRules";
  events.report({ type: "Warning", reason: "RulesChanged", action, note });
}

// --- settings --------------------------------------------------------------------------------------------------------------

/** As kube-proxy finds it: the settings, then the environment, then the host. */
function withNodeName(config: Config): Config {
  const fromEnvironment = process.env["NODE_NAME"] ?? "";
  const nodeName = config.nodeName ?? (fromEnvironment === "" ? nameOfThisHost() : fromEnvironment);
  if (nodeName === "")
    throw new Trouble("the name of the node is empty: expected --node NAME, or the variable NODE_NAME");
  return { ...config, nodeName };
}

function accessFor(
  flags: AgentFlags,
  fromSettings: string | undefined,
  report: (finding: Diagnostic) => void,
): AccessDescription | undefined {
  const file = flags.kubeconfig ?? fromSettings;
  if (file !== undefined)
    return readKubeconfig(readSource(file), report, flags.context === undefined ? {} : { context: flags.context });
  const access = inClusterAccess(process.env);
  if (access === undefined) throw new Trouble("no API server: expected --kubeconfig FILE, or the environment of a Pod");
  // Who serves the cluster IP of the API server cannot wait for it.
  const note = `the API server is asked at ${access.server.host}, a cluster IP: where nobody serves that yet, name a real address by --kubeconfig`;
  process.stderr.write(`kpc: note: ${note}\n`);
  return access;
}

// --- what it shows -----------------------------------------------------------------------------------------------------------

const printTransaction: NonNullable<AgentParts["onTransaction"]> = (text, { services, causes }) => {
  void print(`# because of ${listed(causes)}\n# Services: ${listed(services)}\n${text}\n`);
};

/** A transaction in one line. */
const lineOf = (text: string, { services, causes }: Pick<NodeUpdate, "services" | "causes">): string =>
  `transaction of ${text.split("\n").length - 1} commands for ${listed(services)}, because of ${listed(causes)}`;

function listed(all: readonly string[]): string {
  return all.length <= 5 ? all.join(", ") : `${all.slice(0, 5).join(", ")} and ${all.length - 5} more`;
}

/** Where the agent answers where nothing is said, as kube-proxy does. */
const HEALTHZ: BindAddress = { text: "0.0.0.0:10256", host: "0.0.0.0", port: 10256 };
const METRICS: BindAddress = { text: "127.0.0.1:10249", host: "127.0.0.1", port: 10249 };

/** What answers are made of. */
interface Told {
  readonly agent: Agent;
  readonly client: ApiClient;
  readonly events: EventReporter;
  /** Comes when nobody is to be answered any more. */
  readonly stopped: AbortSignal;
}

async function serve(
  told: Told,
  config: Config,
  { healthzBindAddress, metricsBindAddress }: AgentFlags,
  settings: AgentSettings | undefined,
): Promise<void> {
  const { agent, events, stopped } = told;
  const health = (): AgentHealth => ({
    isStarted: agent.counts.startedAt !== undefined,
    oldestChangeMs: agent.oldestChangeMs,
    lastSyncAt: agent.counts.lastSyncAt,
    isNodeEligible: agent.isNodeEligible,
    watches: agent.watchStates,
  });
  const answer = (path: string): HttpAnswer | undefined => {
    const given = healthAnswer(path, health(), Date.now());
    if (given !== undefined) agent.counts.answered(path, given.status);
    return given;
  };
  const metrics = (path: string): HttpAnswer | undefined => {
    if (path === "/metrics") return { status: 200, type: "text/plain; charset=utf-8", body: metricsOf(told) };
    if (path === "/proxyMode")
      return { status: 200, type: "text/plain; charset=utf-8", body: config.mode ?? "nftables" };
    return answer(path);
  };
  for (const [given, flag, otherwise, answers, reason] of [
    [healthzBindAddress, "healthz", settings?.healthz ?? HEALTHZ, answer, "FailedToStartProxierHealthcheck"],
    [metricsBindAddress, "metrics", settings?.metrics ?? METRICS, metrics, "FailedToStartMetricServer"],
  ] as const) {
    const at = given === undefined ? otherwise : bindAddress(given, flag);
    const listen = (): ReturnType<typeof serveAnswers> => serveAnswers(at, answers);
    try {
      const { server } = await listen();
      server.unref();
    } catch (error) {
      const note = `cannot listen on ${at.text}: ${error instanceof Error ? error.message : error}`;
      if (settings?.bindAddressHardFail) throw new Trouble(note);
      process.stderr.write(`kpc: ${note}\n`);
      events.report({ type: "Warning", reason, action: "Listen", note });
      void listenWhenFree(listen, REAL_CLOCK, stopped).then((isListening) => {
        if (isListening) process.stderr.write(`kpc: listens on ${at.text} now\n`);
      });
    }
  }
}

function metricsOf({ agent, client, events }: Told): string {
  const findings = new Map<string, number>([["address-conflict", agent.tables.conflicts.size]]);
  for (const found of agent.tables.findings.values())
    for (const { code } of found) findings.set(code, (findings.get(code) ?? 0) + 1);
  return printMetrics({
    counts: agent.counts,
    watchStates: agent.watchStates,
    withoutLocal: agent.tables.withoutLocal.values(),
    elements: agent.elements,
    findings,
    requests: client.requests,
    reported: events.counts,
  });
}

/** Throws `Trouble` where `text`, which a flag gives, is no address with a port. */
function bindAddress(text: string, flag: "healthz" | "metrics"): BindAddress {
  const found = parseBindAddress(text);
  if (found === undefined)
    throw new Trouble(`--${flag}-bind-address: expected ADDRESS:PORT, found ${JSON.stringify(text)}`);
  return found;
}

// --- cleaning up -------------------------------------------------------------------------------------------------------------

async function cleanUpCommand({ cleanup }: AgentFlags): Promise<number> {
  const remove = async (whose: "kpc" | "kube-proxy"): Promise<number> => {
    const { removed, left } = await cleanUp(whose);
    for (const line of removed) await print(`${line}\n`);
    for (const line of left) process.stderr.write(`kpc: ${line}\n`);
    return left.length > 0 ? EXIT.trouble : EXIT.fine;
  };
  // kube-proxy's rules go while an agent keeps kpc's.
  if (cleanup === "kube-proxy") return await remove("kube-proxy");
  try {
    return await withTableLock(async ({ isHeld }) => ((await isHeld) ? await remove("kpc") : EXIT.fine));
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  }
}
