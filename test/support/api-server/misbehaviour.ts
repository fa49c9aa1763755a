/** What an API server, or something between it and the client, can do wrong: a fake one does it on command. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, createGzip } from "node:zlib";

/** Of one request. */
export type Misbehaviour =
  /** A status that is not 200, with a Status object. `message`, `reason` and `details` go into it. */
  | {
      readonly kind: "status";
      readonly code: number;
      readonly message?: string;
      readonly reason?: string;
      readonly details?: object;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Any answer of HTTP; `length` promises another number of bytes than `text` has. */
  | {
      readonly kind: "answer";
      readonly code: number;
      readonly text: string | Buffer;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A watch whose first event is an ERROR in a stream of status 200. */
  | { readonly kind: "error event"; readonly code: number; readonly reason?: string; readonly message?: string }
  /** The connection dies after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly bytes: number }
  /** The answer ends as it should after so many bytes. */
  | { readonly kind: "end"; readonly bytes: number }
  /** Everything arrives, in pieces of so many bytes. */
  | { readonly kind: "pieces"; readonly bytes: number }
  /** The connection stays open; nothing is said after so many bytes, not even the head where it is -1. */
  | { readonly kind: "silence"; readonly bytes: number }
  /** A list of an earlier version, as a cache that lags has it. */
  | { readonly kind: "old list"; readonly version: number }
  /** The connection dies before an answer. */
  | { readonly kind: "reset" };

/** Where an answer goes: the misbehaviours that are about bytes stand between. */
export interface Outlet {
  write(text: string | Buffer): void;
  end(): void;
}

/** The way out for `response`. */
export function outletFor(
  misbehaviour: Misbehaviour | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Outlet {
  switch (misbehaviour?.kind) {
    case "cut":
      return limited(misbehaviour.bytes, response, () => request.socket.destroy());
    case "end":
      return limited(misbehaviour.bytes, response, () => response.end());
    case "silence":
      return limited(misbehaviour.bytes, response, () => {});
    case "pieces":
      return inPieces(misbehaviour.bytes, response);
    default:
      // The others are no matter of bytes.
      return { write: (text) => response.write(text), end: () => response.end() };
  }
}

/** Zips what goes to `outlet`, as little as the real server does: each text arrives without the next one. */
export function zippedOutlet(outlet: Outlet): Outlet {
  const gzip = createGzip({ level: 1, flush: constants.Z_SYNC_FLUSH });
  gzip.on("data", (bytes: Buffer) => outlet.write(bytes));
  gzip.on("end", () => outlet.end());
  return { write: (text) => void gzip.write(text), end: () => void gzip.end() };
}

/** `lines` as they come out of `zippedOutlet`, all at once. */
export async function zippedLines(lines: Iterable<string>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await new Promise<void>((resolve) => {
    const outlet = zippedOutlet({ write: (bytes) => void pieces.push(bytes as Buffer), end: resolve });
    for (const line of lines) outlet.write(line);
    outlet.end();
  });
  return Buffer.concat(pieces);
}

/** Lets `most` bytes through, then does `then` once. */
function limited(most: number, response: ServerResponse, then: () => void): Outlet {
  let left = most;
  let isOver = false;
  const write = (text: string | Buffer): void => {
    if (isOver) return;
    const bytes = Buffer.from(text).subarray(0, left);
    isOver = Buffer.byteLength(text) >= left;
    left -= bytes.length;
    if (bytes.length === 0) {
      response.flushHeaders();
      if (isOver) then();
    } else
      response.write(bytes, () => {
        if (isOver) then();
      });
  };
  return { write, end: () => isOver || response.end() };
}

/** Each piece is given to the network before the next one is written. */
function inPieces(size: number, response: ServerResponse): Outlet {
  let sent = Promise.resolve();
  const write = (text: string | Buffer): void => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      sent = sent.then(() => new Promise((resolve) => response.write(piece, () => setImmediate(resolve))));
    }
  };
  return { write, end: () => void sent.then(() => response.end()) };
}
