// @ts-check
/**
 * Sends a request over TLS, from a host of a lab. Reads JSON, `{source, sourcePort, destination, port, serverName, request, milliseconds}`, and prints a
 * line: `answered` and what came back as JSON, `handshake` where the server refused the handshake, `error ERRNO`, or `silence`. Certificates are
 * not verified: which one a client trusts is not asked.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

const { source, sourcePort, destination, port, serverName, request, milliseconds } = JSON.parse(
  readFileSync(0, "utf8"),
);

/** @param {string} line */
function end(line) {
  process.stdout.write(`${line}\n`, () => process.exit(0));
}

setTimeout(() => end("silence"), milliseconds);
const local = source === undefined ? {} : { localAddress: source };
const socket = connect({ host: destination, port, localPort: sourcePort, ...local });
socket.on("error", (error) => {
  const { errno = 0 } = /** @type {NodeJS.ErrnoException} */ (error);
  end(`error ${-errno}`);
});
socket.on("connect", () => {
  let text = "";
  let isAgreed = false;
  const name = serverName === undefined ? {} : { servername: serverName };
  const tls = connectTls({ socket, rejectUnauthorized: false, ...name }, () => {
    isAgreed = true;
    tls.write(request);
  });
  tls.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  tls.on("error", () => end(isAgreed ? "error 104" : "handshake"));
  tls.on("close", () => end(isAgreed ? (text === "" ? "error 104" : `answered ${JSON.stringify(text)}`) : "handshake"));
});
