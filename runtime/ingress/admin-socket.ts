/** A HAProxy that runs, by its runtime API: a command, and what it says. */
import { connect } from "node:net";

/** HAProxy could not do what it was to do. */
export class ProxyTrouble extends Error {}

/** Milliseconds that HAProxy may be silent. */
const ANSWER_MS = 10_000;

/** Asks over the socket `path` (haproxy.cfg: `stats socket`). `payload`: lines behind the command, none of them empty. Rejects with
 *  ProxyTrouble where nobody answers. */
export function askProxy(path: string, command: string, payload?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const parts: string[] = [];
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => parts.push(text));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`${path}: no answer in ${ANSWER_MS / 1000} s`)));
    socket.on("error", ({ message }) => reject(new ProxyTrouble(message)));
    socket.on("close", () => resolve(parts.join("").trim()));
    socket.write(payload === undefined ? `${command}\n` : `${command} <<\n${payload.trimEnd()}\n\n`, "latin1");
  });
}

/** A word of a command: what means something between words is escaped. */
export function quoteWord(word: string): string {
  return word.replaceAll(/[\\;\s]/g, "\\$&");
}
