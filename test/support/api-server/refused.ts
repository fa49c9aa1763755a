/** Answers of an API server that are a Status. */
import type { ServerResponse } from "node:http";

/** What a Status says. */
export interface RefusedMore {
  readonly details?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is a Status. */
export class Refused extends Error {
  readonly code: number;
  readonly reason: string;
  readonly more: RefusedMore;

  constructor(code: number, message = "", reason = "", more: RefusedMore = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.more = more;
  }
}

export function tooLarge(asked: number, current: number): Refused {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return new Refused(504, message, "Timeout", { details: { causes, retryAfterSeconds: 1 } });
}

export function statusObject(error: {
  readonly code: number;
  readonly message?: string;
  readonly reason?: string;
  readonly more?: RefusedMore;
}): object {
  const { code, message = "", reason = "" } = error;
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  return error.more?.details === undefined ? status : { ...status, details: error.more.details };
}

export function refuse(response: ServerResponse, error: Refused): void {
  response.writeHead(error.code, { "content-type": "application/json", ...error.more.headers });
  response.end(JSON.stringify(statusObject(error)));
}
