/** Addresses to listen on that somebody else has. */
import type { Server } from "node:http";
import { type Clock, pause } from "../api/clock.ts";

/** Milliseconds after which is tried again to listen where that was refused. */
export const LISTEN_AGAIN_MS = 5000;

/** Tries `listen` every `LISTEN_AGAIN_MS` until it does not reject. False: `signal` came before, and nobody listens. */
export async function listenWhenFree(
  listen: () => Promise<{ readonly server: Pick<Server, "close" | "unref"> }>,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    await pause(clock, LISTEN_AGAIN_MS, signal);
    if (signal.aborted) return false;
    const server = await listen().then(
      (listening) => listening.server,
      () => undefined, // as it was, which was told
    );
    if (server === undefined) continue;
    server.unref();
    if (signal.aborted) server.close();
    return !signal.aborted;
  }
}
