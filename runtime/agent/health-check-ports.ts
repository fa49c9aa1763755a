/** healthCheckNodePort: where load balancers ask whether this node has endpoints of a Service. */
import type { Server } from "node:http";
import type { HealthCheckPort } from "../../compiler/updates/node-tables.ts";
import { type HttpAnswer, serveAnswers } from "./health.ts";

interface OpenPort {
  readonly port: number;
  localEndpoints: number;
  /** Undefined: it does not listen yet, or could not. */
  server: Server | undefined;
  isClosed: boolean;
}

export class HealthCheckPorts {
  private readonly open = new Map<string, OpenPort>();
  private readonly isHealthy: () => boolean;
  private readonly log: (line: string) => void;
  private readonly host: string;

  /** `isHealthy`: whether the tables are kept right. */
  constructor(isHealthy: () => boolean, log: (line: string) => void, host = "::") {
    this.isHealthy = isHealthy;
    this.log = log;
    this.host = host;
  }

  /** Listens at the ports of `wanted`, by Service, and at no others. A port that is taken is tried again the next time. */
  async set(wanted: ReadonlyMap<string, HealthCheckPort>): Promise<void> {
    for (const [service, each] of this.open)
      if (wanted.get(service)?.port !== each.port) {
        this.open.delete(service);
        close(each);
      }
    for (const [service, { port, localEndpoints }] of wanted) {
      const known = this.open.get(service) ?? { port, localEndpoints, server: undefined, isClosed: false };
      known.localEndpoints = localEndpoints;
      this.open.set(service, known);
      if (known.server === undefined) await this.listen(service, known);
    }
  }

  close(): void {
    for (const each of this.open.values()) close(each);
    this.open.clear();
  }

  private async listen(service: string, each: OpenPort): Promise<void> {
    try {
      const { server } = await serveAnswers({ host: this.host, port: each.port }, () => this.answerFor(service, each));
      if (each.isClosed) server.close();
      else each.server = server;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.log(`Service ${service}: its health check port ${each.port} cannot be opened: ${why}`);
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

function close(each: OpenPort): void {
  each.isClosed = true;
  each.server?.closeAllConnections();
  each.server?.close();
}
