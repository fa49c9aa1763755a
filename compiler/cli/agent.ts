/** `kpc agent`: keeps the rules of this node right, as the API server tells of Services. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type AgentParts } from "../../runtime/agent/agent.ts";
import { cleanUp } from "../../runtime/agent/clean-up.ts";
import { type AgentHealth, type HttpAnswer, healthAnswer, serveAnswers } from "../../runtime/agent/health.ts";
import { HealthCheckPorts, healthCheckHosts } from "../../runtime/agent/health-check-ports.ts";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import { printMetrics } from "../../runtime/agent/metrics.ts";
import { PRINTING_KERNEL } from "../../runtime/agent/printing-kernel.ts";
import { EventReporter } from "../../runtime/agent/reported-events.ts";
import { watchNode } from "../../runtime/agent/watch-node.ts";
import { openAccess } from "../../runtime/api/access.ts";
import { type AccessDescription, inClusterAccess } from "../../runtime/api/access-description.ts";
import { ApiClient } from "../../runtime/api/client.ts";
import { REAL_CLOCK } from "../../runtime/api/clock.ts";
import { readKubeconfig } from "../../runtime/api/kubeconfig.ts";
import { NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { isObject } from "../documents/show.ts";
import type { Config } from "../node/config.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import type { KubeProxySpec } from "../specs/types.ts";
import { NodeTables } from "../updates/node-tables.ts";
import { readConfig } from "./config.ts";
import { Ending } from "./ending.ts";
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
}

/** Runs until a signal comes. The rules stay when it ends. */
export async function agentCommand(flags: AgentFlags): Promise<number> {
  if (flags.cleanup !== undefined) return await cleanUpCommand(flags);
  const found: Diagnostic[] = [];
  const report = (finding: Diagnostic): void => void found.push(finding);
  const given = readConfig(flags, report);
  const config = withNodeName(withKubeProxy(given, { kubeProxies: [] }, report));
  const access = accessFor(flags, kubeProxyMember(given.kubeProxy, "clientConnection", "kubeconfig"), report);
  showDiagnostics(found, flags);
  if (access === undefined || found.some(({ severity }) => severity === "error")) return EXIT.trouble;
  const client = new ApiClient(openAccess(access, REAL_CLOCK), REAL_CLOCK);
  return await follow(client, config, flags, {
    healthz: flags.healthzBindAddress ?? kubeProxyMember(given.kubeProxy, "healthzBindAddress") ?? "0.0.0.0:10256",
    metrics: flags.metricsBindAddress ?? kubeProxyMember(given.kubeProxy, "metricsBindAddress") ?? "127.0.0.1:10249",
  });
}

/** Where it answers: `ADDRESS:PORT` each. */
interface BindAddresses {
  readonly healthz: string;
  readonly metrics: string;
}

async function follow(client: ApiClient, config: Config, flags: AgentFlags, at: BindAddresses): Promise<number> {
  const { nodeName = "" } = config;
  const kernel = flags.dryRun ? PRINTING_KERNEL : await lockedKernel();
  const ending = new Ending();
  const log = (line: string): void => void process.stderr.write(`kpc: ${line}\n`);
  const events = new EventReporter({
    nodeName,
    clock: REAL_CLOCK,
    // What would be done is shown, and nothing is done.
    send: (path, object, signal) => (flags.dryRun ? Promise.resolve() : client.write("POST", path, object, signal)),
    log,
  });
  const isWorking = (): boolean => (agent.oldestChangeMs ?? 0) < LONGEST_MS;
  const ports = new HealthCheckPorts(isWorking, (service, message) => {
    log(`Service ${service}: ${message}`);
    const note = `node ${nodeName}: ${message}`;
    events.report({ type: "Warning", reason: "FailedToStartServiceHealthcheck", action: "Listen", note, service });
  });
  const tables = new NodeTables(config, { hasSpares: true });
  const parts: AgentParts = {
    tables,
    kernel,
    clock: REAL_CLOCK,
    watch: watchNode(client, nodeName, REAL_CLOCK),
    log,
    onDrift: flags.onDrift,
    ...(flags.dryRun ? { onTransaction: printTransaction } : {}),
    ...(flags.dryRun ? {} : { onSync: afterSync(tables, ports, events) }),
    onDrifted: (what) => reportDrift(events, flags, what),
  };
  const agent: Agent = new Agent(parts);
  try {
    if (!flags.dryRun) await serve({ agent, client, events }, config, at);
    void agent.started.then(() => {
      const note = `kpc agent keeps the rules of ${agent.tables.size} Services`;
      events.report({ type: "Normal", reason: "Starting", action: "StartKpcAgent", note });
      if (flags.quiet !== true) log(`the rules of ${nodeName} are right: ${agent.tables.size} Services`);
    });
    await Promise.race([ending.promise, agent.done]);
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  } finally {
    ending.forget();
    ports.close();
    events.stop();
    await agent.stop();
  }
  // Servers, and what the API server still says, are no reason to stay.
  process.exitCode = EXIT.fine;
  return EXIT.fine;
}

/** Milliseconds after which a change that waits is a fault. */
const LONGEST_MS = 60_000;

function afterSync(tables: NodeTables, ports: HealthCheckPorts, events: EventReporter): () => void {
  // Each list is made once, when its Service was last looked at.
  const told = new WeakSet<readonly string[]>();
  return () => {
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
  const note = `others have changed the nft tables of kpc: ${what}`;
  const action = onDrift === "report" ? "ReportRules" : "RepairRules";
  events.report({ type: "Warning", reason: "RulesChanged", action, note });
}

/** How long another writer may take to end: what an agent that was killed has left ends by itself. */
const PATIENCE_MS = 5000;

/** Throws `Trouble` where another process keeps the tables of this network namespace. */
async function lockedKernel(): Promise<LocalKernel> {
  const kernel = new LocalKernel();
  const end = performance.now() + PATIENCE_MS;
  let holder = await kernel.lock();
  while (holder !== undefined && performance.now() < end) {
    await sleep(50);
    holder = await kernel.lock();
  }
  if (holder === undefined) return kernel;
  await kernel.close();
  throw new Trouble(`process ${holder} writes kpc's tables in this network namespace already: stop it first`);
}

// --- settings --------------------------------------------------------------------------------------------------------------

/** As kube-proxy finds it: the settings, then the environment, then the host. */
function withNodeName(config: Config): Config {
  const fromEnvironment = process.env["NODE_NAME"] ?? "";
  const nodeName = config.nodeName ?? (fromEnvironment === "" ? hostname().trim().toLowerCase() : fromEnvironment);
  return { ...config, nodeName };
}

/** A text in kube-proxy's own settings; undefined: these say nothing, or there are none. */
function kubeProxyMember(settings: KubeProxySpec | undefined, ...path: readonly string[]): string | undefined {
  let value: unknown = settings?.field.value;
  for (const member of path) value = isObject(value) ? value[member] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
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
  const list = (all: readonly string[]): string =>
    all.length <= 5 ? all.join(", ") : `${all.slice(0, 5).join(", ")} and ${all.length - 5} more`;
  void print(`# because of ${list(causes)}\n# Services: ${list(services)}\n${text}\n`);
};

/** What answers are made of. */
interface Told {
  readonly agent: Agent;
  readonly client: ApiClient;
  readonly events: EventReporter;
}

async function serve(told: Told, config: Config, at: BindAddresses): Promise<void> {
  const { agent, events } = told;
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
  for (const [address, answers, reason] of [
    [at.healthz, answer, "FailedToStartProxierHealthcheck"],
    [at.metrics, metrics, "FailedToStartMetricServer"],
  ] as const) {
    try {
      const { server } = await serveAnswers(parseBind(address), answers);
      server.unref();
    } catch (error) {
      const note = `cannot listen on ${address}: ${error instanceof Error ? error.message : error}`;
      process.stderr.write(`kpc: ${note}\n`);
      events.report({ type: "Warning", reason, action: "Listen", note });
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

/** `ADDRESS:PORT`, IPv6 in brackets. */
function parseBind(text: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^\[?([0-9A-Fa-f.:]+?)\]?:([0-9]{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65535)
    throw new Trouble(`expected ADDRESS:PORT, found ${JSON.stringify(text)}`);
  return { host, port: Number(port) };
}

// --- cleaning up -------------------------------------------------------------------------------------------------------------

async function cleanUpCommand({ cleanup }: AgentFlags): Promise<number> {
  // kube-proxy's rules go while an agent keeps kpc's.
  if (cleanup !== "kube-proxy") await (await lockedKernel()).close();
  for (const line of await cleanUp(cleanup === "kube-proxy" ? "kube-proxy" : "kpc")) await print(`${line}\n`);
  return EXIT.fine;
}
