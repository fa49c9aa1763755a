/** healthCheckNodePort: where load balancers ask whether this node has endpoints of a Service. */
import type { Server } from "node:http";
import { FAMILIES, type Family, printAddress } from "../../compiler/net/address.ts";
import type { Settings } from "../../compiler/node/settings.ts";
import type { HealthCheckPort } from "../../compiler/updates/service-facts.ts";
import type { Clock } from "../api/clock.ts";
import { type HttpAnswer, serveAnswers } from "./health.ts";
import { LISTEN_AGAIN_MS } from "./taken-address.ts";

interface OpenPort {
  readonly port: number;
  localEndpoints: number;
  /** By address. */
  readonly servers: Map<string, Server>;
  /** By address: why nobody listens there. */
  readonly complaints: Map<string, string>;
  isClosed: boolean;
}

const EVERY_ADDRESS: Readonly<Record<Family, string>> = { IPv4: "0.0.0.0", IPv6: "::" };

/** The addresses at which health checks answer: those of node ports. */
export function healthCheckHosts({ families }: Settings): readonly string[] {
  return FAMILIES.flatMap((family) => {
    const { nodePorts } = families[family];
    return nodePorts.kind === "listed" ? nodePorts.addresses.map(printAddress) : [EVERY_ADDRESS[family]];
  });
}

export class HealthCheckPorts {
  private readonly open = new Map<string, OpenPort>();
  private readonly isHealthy: () => boolean;
  private readonly onTaken: (service: string, message: string) => void;
  private readonly clock: Clock;
  /** Undefined: nothing is to be tried again. */
  private callOffRetry: (() => void) | undefined;

  /** `isHealthy`: whether the tables are kept right. `onTaken`: is told once when a port cannot be opened. */
  constructor(isHealthy: () => boolean, onTaken: (service: string, message: string) => void, clock: Clock) {
    this.isHealthy = isHealthy;
    this.onTaken = onTaken;
    this.clock = clock;
  }

  /** Listens at the ports of `wanted`, by Service, at the addresses `hosts`, and nowhere else. A port that is taken is tried again the next
   *  time, and every `LISTEN_AGAIN_MS`. */
  async set(wanted: ReadonlyMap<string, HealthCheckPort>, hosts: readonly string[]): Promise<void> {
    for (const [service, each] of this.open)
      if (wanted.get(service)?.port !== each.port) {
        this.open.delete(service);
        close(each);
      } else {
        closeAll(each, (host) => !hosts.includes(host));
        for (const host of each.complaints.keys()) if (!hosts.includes(host)) each.complaints.delete(host);
      }
    for (const [service, { port, localEndpoints }] of wanted) {
      const known = this.open.get(service) ?? {
        port,
        localEndpoints,
        servers: new Map(),
        complaints: new Map(),
        isClosed: false,
      };
      known.localEndpoints = localEndpoints;
      this.open.set(service, known);
      for (const host of hosts) if (!known.servers.has(host)) await this.listen(service, known, host);
    }
  }

  close(): void {
    for (const each of this.open.values()) close(each);
    this.open.clear();
    this.callOffRetry?.();
  }

  /** What could not be opened. One timer serves all of it. */
  private retryLater(): void {
    this.callOffRetry ??= this.clock.after(LISTEN_AGAIN_MS, () => {
      this.callOffRetry = undefined;
      for (const [service, each] of this.open)
        for (const host of each.complaints.keys()) void this.listen(service, each, host);
    });
  }

  private async listen(service: string, each: OpenPort, host: string): Promise<void> {
    const { port, servers, complaints } = each;
    try {
      const { server } = await serveAnswers({ host, port, ipv6Only: true }, () => this.answerFor(service, each));
      // Meanwhile the Service may have gone, or another turn may have been here first.
      if (each.isClosed || servers.has(host)) server.close();
      else servers.set(host, server);
      complaints.delete(host);
    } catch (error) {
      if (each.isClosed || servers.has(host) || isWithoutFamily(error)) return;
      const why = error instanceof Error ? error.message : String(error);
      const message = `health check port ${port} cannot be opened: ${why}`;
      if (complaints.get(host) !== message) this.onTaken(service, message);
      complaints.set(host, message);
      this.retryLater();
    }
  }

  private answerFor(service: string, { localEndpoints }: OpenPort): HttpAnswer {
    const [namespace, name] = service.split("/");
    const serviceProxyHealthy = this.isHealthy();
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      type: "application/json",
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }),
    };
  }
}

/** A host without IPv6 has no node port there either. */
function isWithoutFamily(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAFNOSUPPORT";
}

function close(each: OpenPort): void {
  each.isClosed = true;
  closeAll(each, () => true);
}

function closeAll({ servers }: OpenPort, isGone: (host: string) => boolean): void {
  for (const [host, server] of servers) {
    if (!isGone(host)) continue;
    servers.delete(host);
    server.closeAllConnections();
    server.close();
  }
}
