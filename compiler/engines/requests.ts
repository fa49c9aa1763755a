/** What answers HTTP requests for expectations, and the reference among it. */
import type { Compiled } from "../compile.ts";
import { decideCertificate } from "../evaluate/certificate.ts";
import { decideRoute } from "../evaluate/http-route.ts";

/** A request of a client. */
export interface AskedRequest {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** The host that the client names in the TLS handshake; undefined: none. */
  readonly serverName: string | undefined;
  /** The Host header as it is sent; undefined: none is. */
  readonly host: string | undefined;
  /** The request target as it is sent. */
  readonly target: string;
}

/** Where a request ends. */
export type RequestEnd =
  /** At the backend `namespace/service:port`. */
  | { readonly kind: "backend"; readonly backend: string }
  /** At an endpoint, or at a host outside of the cluster, whose `address` may be its name: its backend was not seen. */
  | { readonly kind: "endpoint"; readonly address: string; readonly port: number }
  /** At the proxy, which answers itself. */
  | { readonly kind: "status"; readonly status: number }
  /** In the TLS handshake. */
  | { readonly kind: "refused" };

export interface RequestOutcome {
  readonly end: RequestEnd;
  /** The Secret of the certificate that the client was shown: `namespace/name`; undefined: none. */
  readonly certificate: string | undefined;
}

/** Something that can say what becomes of requests. */
export interface RequestEngine {
  readonly name: string;
  /** Why it cannot run here; undefined when it can. */
  readonly unavailable: () => string | undefined;
  /** The outcome for each of `requests`, in their order. Throws `EngineTrouble`. One call at a time. */
  readonly run: (compiled: Compiled, requests: readonly AskedRequest[]) => Promise<readonly RequestOutcome[]>;
  /** Gives back what it holds between runs. */
  readonly close: () => Promise<void>;
}

/** The reference: the routes and certificates of the program. */
export const irRequestEngine: RequestEngine = {
  name: "ir",
  unavailable: () => undefined,
  run: async ({ program }, requests) => requests.map((request) => outcomeOf(program, request)),
  close: async () => undefined,
};

function outcomeOf(program: Compiled["program"], { scheme, serverName, host, target }: AskedRequest): RequestOutcome {
  const certificate = scheme === "https" ? decideCertificate(program, serverName).certificate?.name : undefined;
  if (scheme === "https" && certificate === undefined) return { end: { kind: "refused" }, certificate };
  const decided = decideRoute(program, { host, target }).target;
  const end: RequestEnd =
    decided.kind === "status"
      ? { kind: "status", status: decided.status }
      : { kind: "backend", backend: decided.backend };
  return { end, certificate };
}
