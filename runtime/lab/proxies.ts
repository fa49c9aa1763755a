/** Load balancers that take connections and make others: HAProxy where it is installed, else what the lab's helper has of its own. */
import { printAddress, printAddressPort } from "../../compiler/net/address.ts";
import type { Host, ProxyFrontend } from "../../compiler/network/network.ts";
import { PROTOCOL } from "../packet.ts";
import { LabTrouble } from "./lab-helper.ts";

/** What takes connections on a host. */
export interface ProxyProgram {
  /** `kpc`: the helper of the lab. */
  readonly name: "haproxy" | "kpc";
  /** As HAProxy tells it. */
  readonly version?: string;
}

/** How a lab starts programs on one of its hosts. */
export interface ProxyStarter {
  /** Runs a shell command there; `output` is of both streams. */
  run(command: string, input: string): Promise<{ readonly code: number; readonly output: string }>;
  /** Lets the helper take connections. */
  takeConnections(frontend: ProxyFrontend): Promise<unknown>;
}

const NOT_INSTALLED = 127;

/** The shell command that starts HAProxy with a file, which may be /dev/stdin. HAProxy goes to the background when it listens, and ends with
 *  the lab as all processes there. */
function haproxyCommand(file: string): string {
  return `command -v haproxy > /dev/null || exit ${NOT_INSTALLED}; haproxy -v | head -n 1; exec haproxy -D -f ${file}`;
}

/**
 * Starts what takes the connections for `host`; undefined: it is no proxy, or has nowhere to send them. `wanted`: undefined: HAProxy where it
 * is installed. Throws LabTrouble where HAProxy does not start.
 */
export async function startProxy(
  { name, proxies }: Host,
  starter: ProxyStarter,
  wanted: ProxyProgram["name"] | undefined,
): Promise<ProxyProgram | undefined> {
  const served = proxies.filter(({ protocol, targets }) => protocol === PROTOCOL.tcp && targets.length > 0);
  if (served.length === 0) return undefined;
  if (wanted !== "kpc") {
    const started = await startHaproxy(name, starter, "/dev/stdin", haproxyText(served));
    if (started !== undefined) return started;
    if (wanted === "haproxy") throw new LabTrouble(`${name}: haproxy is not installed`);
  }
  await Promise.all(served.map((frontend) => starter.takeConnections(frontend)));
  return { name: "kpc" };
}

/** Starts HAProxy with the configuration in `file`; undefined: it is not installed. Throws LabTrouble where it does not start. */
export async function startHaproxy(
  host: string,
  { run }: Pick<ProxyStarter, "run">,
  file: string,
  input = "",
): Promise<ProxyProgram | undefined> {
  const { code, output } = await run(haproxyCommand(file), input);
  if (code === 0) return { name: "haproxy", ...versionIn(output) };
  if (code === NOT_INSTALLED) return undefined;
  throw new LabTrouble(`${host}: haproxy: ${output.trimEnd()}`);
}

/** `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/` */
function versionIn(output: string): Pick<ProxyProgram, "version"> {
  const [, version] = /^HA-?Proxy version (\S+)/.exec(output) ?? [];
  return version === undefined ? {} : { version };
}

/** One connection for each that it takes, to one target after the other; a target that does not answer is not asked again. */
function haproxyText(frontends: readonly ProxyFrontend[]): string {
  return [
    "global",
    "  nbthread 1",
    "  maxconn 100",
    "defaults",
    "  mode tcp",
    "  balance roundrobin",
    "  retries 0",
    "  timeout connect 60s",
    "  timeout client 60s",
    "  timeout server 60s",
    ...frontends.flatMap(({ address, port, targets, tellsClient }, i) => [
      `listen frontend-${i}`,
      `  bind ${printAddressPort(address, port)}`,
      ...targets.map(
        (each, k) =>
          `  server target-${k} ${printAddressPort(each.address, each.port)}${tellsClient ? " send-proxy-v2" : ""}`,
      ),
    ]),
    "",
  ].join("\n");
}

/** `lb/shop/pub` and its program as people read it: `lb/shop/pub is HAProxy 2.6.12`. */
export function proxyText(host: string, { name, version }: ProxyProgram): string {
  return `${host} is ${name === "kpc" ? "kpc's own proxy" : `HAProxy${version === undefined ? "" : ` ${version}`}`}`;
}

/** The line that tells the helper to take connections at `frontend`. */
export function proxyCommand(namespace: number, { address, port, targets }: ProxyFrontend): string {
  const ends = targets.map((target) => `${printAddress(target.address)},${target.port}`);
  return `proxy ${namespace} ${printAddress(address)} ${port} ${ends.join(" ")}`;
}
