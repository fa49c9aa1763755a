/** What an agent says of itself over HTTP: health as kube-proxy's, and metrics. */
import { createServer, type Server, type ServerResponse } from "node:http";

/** How an agent is. Times are in milliseconds. */
export interface AgentHealth {
  /** Whether all objects have been told, and the tables were right once. */
  readonly isStarted: boolean;
  /** Since the oldest change that the kernel does not have yet. */
  readonly oldestChangeMs: number | undefined;
  /** When the tables were last made, since 1970. */
  readonly lastSyncAt: number | undefined;
  readonly isNodeEligible: boolean;
  /** By kind: since the API server last said something, and what was wrong. */
  readonly watches: ReadonlyMap<
    string,
    { readonly ageMilliseconds: number | undefined; readonly isSynced: boolean; readonly trouble: Error | undefined }
  >;
}

/** A change that waits longer than this is a fault: twice kube-proxy's sync period. */
const LONGEST_CHANGE_MS = 60_000;

export interface HttpAnswer {
  readonly status: number;
  readonly type: "application/json" | "text/plain; charset=utf-8";
  readonly body: string;
}

/** The answer to a path of the health server, or of that for metrics; undefined: there is no such path. */
export function healthAnswer(path: string, health: AgentHealth, now: number): HttpAnswer | undefined {
  const { oldestChangeMs = 0, isNodeEligible, isStarted, lastSyncAt } = health;
  const isWorking = oldestChangeMs <= LONGEST_CHANGE_MS;
  const times = { lastUpdated: new Date(lastSyncAt ?? now).toISOString(), currentTime: new Date(now).toISOString() };
  const json = (isFine: boolean, body: object): HttpAnswer => ({
    status: isFine ? 200 : 503,
    type: "application/json",
    body: JSON.stringify(body),
  });
  switch (path) {
    case "/healthz":
      return json(isWorking && isStarted && isNodeEligible, { ...times, nodeEligible: isNodeEligible });
    case "/livez":
      // An API server that is away is no reason to start anew: the rules stand.
      return json(isWorking, times);
    case "/readyz":
      return { status: isStarted ? 200 : 503, type: "text/plain; charset=utf-8", body: readiness(health) };
    default:
      return undefined;
  }
}

function readiness({ isStarted, watches }: AgentHealth): string {
  const lines = [...watches].map(([kind, { ageMilliseconds, isSynced, trouble }]) => {
    const age = ageMilliseconds === undefined ? "nothing heard yet" : `${Math.round(ageMilliseconds / 1000)} s ago`;
    return `[${isSynced ? "+" : "-"}] ${kind}: ${age}${trouble === undefined ? "" : `, ${trouble.message}`}`;
  });
  return `${[`[${isStarted ? "+" : "-"}] rules`, ...lines].join("\n")}\n`;
}

/** A server that answers GET by `answer`; its port once it listens. `ipv6Only`: the host `::` is not that of IPv4, too. Rejects where it cannot
 *  listen. */
export function serveAnswers(
  { host, port, ipv6Only }: { readonly host: string; readonly port: number; readonly ipv6Only?: boolean },
  answer: (path: string) => HttpAnswer | undefined,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (request.method !== "GET" && request.method !== "HEAD") return send(response, METHOD_NOT_ALLOWED);
    send(response, answer(path) ?? NOT_FOUND);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ...(ipv6Only === undefined ? {} : { ipv6Only }) }, () => {
      const address = server.address();
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : port });
    });
  });
}

const NOT_FOUND: HttpAnswer = { status: 404, type: "text/plain; charset=utf-8", body: "not found\n" };
const METHOD_NOT_ALLOWED: HttpAnswer = { status: 405, type: "text/plain; charset=utf-8", body: "expected GET\n" };

function send(response: ServerResponse, { status, type, body }: HttpAnswer): void {
  response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" });
  response.end(body);
}
