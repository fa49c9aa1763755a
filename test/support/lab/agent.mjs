// @ts-check
/**
 * Lives in one network namespace and does there what it is told, a JSON object a line: answers questions on ports, and
 * asks them. It ends when nobody tells it anything any more.
 *
 *   {"id", "do": "listen", "protocol", "address", "port", "name"}   -> {"id", "answer": "listening"}
 *   {"id", "do": "hello"}                                            -> {"id", "answer": "here"}
 *   {"id", "do": "ask", "protocol", "to", "port", "from"?}         -> {"id", "answer"}
 *
 * An answer is `NAME saw ADDRESS`, the server's name and the client as the server sees it; `refused`; or `silence`.
 */
import { createSocket } from "node:dgram";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

/** How long nothing has to come before a question counts as unanswered. Retransmissions of TCP begin after 1 s. */
const PATIENCE_MS = 800;

/** @param {string} address */
const plain = (address) => address.replace(/^::ffff:/, "");

/** @param {{ protocol: string, address: string, port: number, name: string }} what @returns {Promise<string>} */
function listen({ protocol, address, port, name }) {
  return new Promise((resolve, reject) => {
    if (protocol === "tcp") {
      const server = createServer((socket) => {
        socket.on("error", () => socket.destroy()); // a client that has given up is no news
        socket.end(`${name} saw ${plain(socket.remoteAddress ?? "nobody")}`);
      });
      server.on("error", reject).listen(port, address, () => resolve("listening"));
    } else {
      const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
      socket.on("error", reject);
      socket.on("message", (_, peer) => socket.send(`${name} saw ${plain(peer.address)}`, peer.port, peer.address));
      socket.bind(port, address, () => resolve("listening"));
    }
  });
}

/** @param {{ protocol: string, to: string, port: number, from?: string }} question @returns {Promise<string>} */
function ask({ protocol, to, port, from }) {
  return new Promise((resolve) => {
    /** @param {NodeJS.ErrnoException} error */
    const failure = (error) => resolve(error.code === "ECONNREFUSED" ? "refused" : String(error.code));
    if (protocol === "tcp") {
      const socket = connect({ host: to, port, ...(from === undefined ? {} : { localAddress: from }) });
      let text = "";
      socket.setTimeout(PATIENCE_MS, () => {
        socket.destroy();
        resolve("silence");
      });
      socket.on("data", (data) => {
        text += data;
      });
      socket.on("error", failure);
      socket.on("end", () => resolve(text));
    } else {
      const socket = createSocket(to.includes(":") ? "udp6" : "udp4");
      const timer = setTimeout(() => finish("silence"), PATIENCE_MS);
      /** @param {string} answer */
      const finish = (answer) => {
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      socket.on("message", (data) => finish(data.toString()));
      socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) =>
        finish(error.code === "ECONNREFUSED" ? "refused" : String(error.code)),
      );
      socket.once("connect", () => socket.send("hello"));
      socket.bind(0, from, () => socket.connect(port, to));
    }
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: what, ...rest } = JSON.parse(line);
  const answer = what === "listen" ? listen(rest) : what === "ask" ? ask(rest) : Promise.resolve("here");
  answer.then(
    (text) => process.stdout.write(`${JSON.stringify({ id, answer: text })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id, answer: `cannot: ${error.message}` })}\n`),
  );
}
process.exit(0);
