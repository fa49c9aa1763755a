/** The backends of a configuration: a section for each place that requests can go to. */
import type { ExternalHost, RequestTarget, RouteEndpoint } from "../../ir/routes.ts";
import { parseAddress, printAddress } from "../../net/address.ts";
import { shortHash } from "./hashes.ts";
import { LOOKED_UP, NO_NEW_CLIENTS, STICKY, spareBackend, statusBackend } from "./shape.ts";

/** Where one backend leads: shares are several. */
export type BackendTarget = Exclude<RequestTarget, { readonly kind: "shares" | "redirect" }>;

interface Backend {
  /** Undefined: the lines answer. */
  readonly target: BackendTarget | undefined;
  readonly lines: readonly string[];
}

/** Backends by their names. One that is asked for again is the same. */
export class Backends {
  private readonly byName = new Map<string, Backend>();

  /** The name of the backend for `target`; `lines`: what is done there with requests besides. */
  for(target: BackendTarget, lines: readonly string[] = []): string {
    const plain = backendName(target);
    const name = lines.length === 0 ? plain : `${plain}.${shortHash(lines.join("\n"))}`;
    return this.add(name, { target, lines });
  }

  /** The name of a backend that has only these lines. */
  answering(kind: string, lines: readonly string[]): string {
    return this.add(`${kind}-${shortHash(lines.join("\n"))}`, { target: undefined, lines });
  }

  private add(name: string, backend: Backend): string {
    if (!this.byName.has(name)) this.byName.set(name, backend);
    return name;
  }

  /** Whether some server is looked up by its name. */
  get isLookedUp(): boolean {
    return [...this.byName.values()].some(
      ({ target }) =>
        target?.kind === "endpoints" &&
        target.external !== undefined &&
        parseAddress(target.external.host) === undefined,
    );
  }

  /** The sections, sorted by name. */
  print(): string[] {
    return [...this.byName].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(section);
  }
}

/** The sections of backends that get their servers by the runtime API: lines as of a plain backend. */
export function printSpares(count: number): string[] {
  return Array.from({ length: count }, (_, i) => emptySection(spareBackend(i + 1))).flatMap((lines) => [...lines, ""]);
}

function emptySection(name: string): string[] {
  return [`backend ${name}`, "  balance roundrobin"];
}

/** `NAMESPACE.SERVICE.PORT`: names of namespaces, Services and ports have no dots. */
function backendName(target: BackendTarget): string {
  if (target.kind === "status") return statusBackend(target.status);
  const name = target.backend.replace(/[/:]/g, ".");
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new RangeError(`${JSON.stringify(target.backend)} is no name of a backend`);
  return name;
}

function section([name, { target, lines }]: readonly [string, Backend]): string[] {
  const own = lines.map((line) => `  ${line}`);
  if (target === undefined) return [`backend ${name}`, ...own, ""];
  if (target.kind === "status") return [`backend ${name}`, `  http-request return status ${target.status}`, ""];
  const { endpoints, draining = [], sticky, external } = target;
  const servers = [
    ...endpoints.map((endpoint) => server(endpoint)),
    ...draining.map((endpoint) => `${server(endpoint)} ${NO_NEW_CLIENTS}`),
    ...(external === undefined ? [] : [externalServer(external)]),
  ];
  return [
    ...emptySection(name),
    ...own,
    ...(sticky === undefined ? [] : STICKY.map((line) => `  ${line}`)),
    ...servers.sort(),
    "",
  ];
}

/** The name of a server is its address and port: a Pod that comes back has the one it had. */
function server({ address, port }: RouteEndpoint): string {
  const text = printAddress(address);
  return `  server ${text.replace(/[.:]/g, "-")}-${port} ${text.includes(":") ? `[${text}]` : text}:${port}`;
}

/** A name is looked up again and again; the proxy starts without its addresses, too. */
function externalServer({ host, port }: ExternalHost): string {
  if (!/^[a-z0-9][a-z0-9.:-]*$/.test(host)) throw new RangeError(`${JSON.stringify(host)} is no host`);
  const address = parseAddress(host);
  const written = address !== undefined && host.includes(":") ? `[${host}]` : host;
  const lookup = address === undefined ? ` ${LOOKED_UP}` : "";
  return `  server ${host.replace(/[.:]/g, "-")}-${port} ${written}:${port}${lookup}`;
}
