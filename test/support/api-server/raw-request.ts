/** Requests to an API server as they are: status, headers, lines. What a client makes of them is not in the way. */
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { openAccess } from "../../../runtime/api/access.ts";
import type { AccessDescription } from "../../../runtime/api/access-description.ts";
import { REAL_CLOCK } from "../../../runtime/api/clock.ts";

/** How to come in at `url` with `token`. `caFile`: who has signed the certificate of the server. */
export function accessWithToken(url: string, token: string, caFile?: string): AccessDescription {
  return {
    server: new URL(url),
    tlsServerName: undefined,
    isInsecure: false,
    ca: caFile === undefined ? undefined : { kind: "file", path: caFile },
    cert: undefined,
    key: undefined,
    login: { kind: "token", token: { kind: "bytes", bytes: Buffer.from(token) } },
    headers: {},
  };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Of JSON; undefined: the answer was none. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** The head of the answer to a request. `path` may have a query. */
export async function open(
  description: AccessDescription,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<IncomingMessage> {
  const credentials = await openAccess(description, REAL_CLOCK).current();
  const url = new URL(path, description.server);
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const options = {
    method,
    headers: { "content-type": type, ...credentials.headers, ...headers },
    agent: false,
    ...credentials.tls,
  } as const;
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? secureRequest : plainRequest)(url, options, resolve);
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export async function call(
  description: AccessDescription,
  method: string,
  path: string,
  more: Parameters<typeof open>[3] = {},
): Promise<RawAnswer> {
  const response = await open(description, method, path, more);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const { statusCode: status = 0, headers } = response;
  try {
    return { status, headers, body: JSON.parse(Buffer.concat(pieces).toString()) };
  } catch {
    return { status, headers, body: undefined };
  }
}
