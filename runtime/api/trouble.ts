/** What keeps the client of the API from its answer. */

/** Stable words: metrics have them as labels. */
export type ApiReason =
  /** The versions after the one that was asked for are gone: 410, as status or as an event. */
  | "gone"
  /** 401. */
  | "unauthorized"
  /** 403. */
  | "forbidden"
  /** 404: this API server has no such kind. */
  | "not-found"
  /** 429. */
  | "throttled"
  /** 5xx. */
  | "unavailable"
  /** The server does not know the resource version yet: 504, after etcd was restored or on a server that lags. */
  | "version-too-large"
  /** 400 or 422: the server does not take the question. */
  | "invalid"
  /** Another status. */
  | "refused"
  /** A list older than what was seen before. */
  | "went-back"
  /** The connection ended before the answer did. */
  | "cut-off"
  /** No byte for too long. */
  | "silent"
  /** No connection. */
  | "unreachable"
  /** An answer that is not JSON of the API. */
  | "malformed"
  /** An object larger than `MAX_OBJECT_BYTES`. */
  | "too-large"
  /** Credentials that cannot be read. */
  | "credentials";

/** A request that failed. The message is one line, without secrets. */
export class ApiTrouble extends Error {
  override readonly name = "ApiTrouble";
  readonly reason: ApiReason;
  /** What the server asks to wait before the next request. */
  readonly retryAfterMilliseconds: number | undefined;

  constructor(reason: ApiReason, message: string, retryAfterMilliseconds?: number) {
    super(oneLine(message));
    this.reason = reason;
    this.retryAfterMilliseconds = retryAfterMilliseconds;
  }
}

/** Characters of a message: what a server says may be of any length. */
const MAX_MESSAGE = 300;

function oneLine(text: string): string {
  const plain = text.slice(0, 4 * MAX_MESSAGE).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
  return plain.length > MAX_MESSAGE ? `${plain.slice(0, MAX_MESSAGE)}…` : plain;
}

/** A Status object, or what else was answered with `status`. */
export function troubleOfStatus(what: string, status: number, body: unknown, retryAfter?: string): ApiTrouble {
  const { message, reason, details } = members(body);
  const said = typeof message === "string" && message !== "" ? `: ${message}` : "";
  const { retryAfterSeconds, causes } = members(details);
  const seconds = retryAfter ?? retryAfterSeconds;
  const isTooLarge =
    (Array.isArray(causes) && causes.some((cause) => members(cause)["reason"] === "ResourceVersionTooLarge")) ||
    (status >= 500 && typeof message === "string" && /too large resource version/i.test(message));
  return new ApiTrouble(
    isTooLarge ? "version-too-large" : reasonOf(status, reason),
    `${what}: status ${status}${said}`,
    waitOf(seconds),
  );
}

function reasonOf(status: number, word: unknown): ApiReason {
  if (status === 410 || word === "Expired" || word === "Gone") return "gone";
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  if (status === 429) return "throttled";
  if (status === 400 || status === 422) return "invalid";
  return status >= 500 ? "unavailable" : "refused";
}

/** The longest that a server can make the client wait: five minutes. */
const MAX_WAIT_MILLISECONDS = 300_000;

/** Retry-After in seconds. As a date it is not used by the API: then back-off alone decides. */
function waitOf(seconds: unknown): number | undefined {
  const number =
    typeof seconds === "number" ? seconds : /^\d{1,9}$/.test(String(seconds)) ? Number(seconds) : Number.NaN;
  return number >= 0 ? Math.min(number * 1000, MAX_WAIT_MILLISECONDS) : undefined;
}

/** The members of an object of JSON; none of any other value. */
export function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
