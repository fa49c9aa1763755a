// @ts-check
/**
 * A network namespace with servers at all addresses of 10.1.0.0/16, port 8080, and a HAProxy at a time. Reads a line of JSON for each
 * configuration, `{folder, requests: [{host, path, sni}]}`, and answers with a line: what HAProxy says of the configuration, and for each request
 * `{status, server, certificate}`, where `server` is the address that got it. With `sni` the request goes over TLS; empty: without a name. The certificate
 * is told by its common name; a refused handshake has status 0. The path `*` over TLS tells only the protocol that
 * HAProxy chooses. With `raw`, those bytes go to `port`, and all that comes back is `text`.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["addr", "add", "10.1.0.0/16", "dev", "lo"]);
const server = createServer((request, response) => {
  response.setHeader("x-server", String(request.socket.localAddress));
  response.setHeader("x-client", String(request.headers["x-forwarded-for"]));
  response.setHeader("x-headers", JSON.stringify({ proto: request.headers["x-forwarded-proto"] }));
  response.end();
});
await new Promise((resolve) => server.listen(8080, "0.0.0.0", () => resolve(undefined)));

/** @param {{ host?: string, path: string, sni?: string, raw?: string, port?: number }} request @returns {Promise<string>} */
function ask({ host, path, sni, raw, port = 80 }) {
  return new Promise((resolve, reject) => {
    if (sni !== undefined) {
      resolve(askTls(sni, host, path));
      return;
    }
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", raw === undefined ? reject : () => resolve(text));
    socket.on("close", () => resolve(text));
    // HTTP/1.0 may leave the header out.
    socket.write(raw ?? `GET ${path} HTTP/1.0\r\n${host === undefined ? "" : `Host: ${host}\r\n`}\r\n`);
  });
}

/** @param {string} sni @param {string | undefined} host @param {string} path @returns {Promise<string>} */
function askTls(sni, host, path) {
  return new Promise((resolve) => {
    const options = {
      port: 443,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ...(sni === "" ? {} : { servername: sni }),
    };
    let text = "";
    const socket = connectTls({ ...options, ALPNProtocols: path === "*" ? ["h2", "http/1.1"] : ["http/1.1"] }, () => {
      if (path === "*") {
        socket.destroy();
        resolve(`HTTP/1.0 200\r\nx-protocol: ${socket.alpnProtocol}\r\n`);
        return;
      }
      const name = socket.getPeerCertificate().subject?.CN;
      socket.on("close", () => resolve(`${text.replace(/\r\n/, `\r\nx-certificate: ${name}\r\n`)}`));
      socket.write(`GET ${path} HTTP/1.0\r\n${host === undefined ? "" : `Host: ${host}\r\n`}\r\n`);
    });
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => resolve("HTTP/1.0 0"));
  });
}

/** How many requests are under way at a time. */
const AT_ONCE = 32;

/** @param {string} text */
function read(text) {
  return {
    text,
    protocol: /^x-protocol: (.*?)\r$/m.exec(text)?.[1],
    status: Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1]),
    server: /^x-server: (.*?)\r$/m.exec(text)?.[1],
    client: /^x-client: (.*?)\r$/m.exec(text)?.[1],
    certificate: /^x-certificate: (.*?)\r$/m.exec(text)?.[1],
    headers: /^x-headers: (.*?)\r$/m.exec(text)?.[1],
    location: /^location: (.*?)\r$/m.exec(text)?.[1],
    cookie: /^set-cookie: (.*?)\r$/m.exec(text)?.[1],
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { folder, requests } = JSON.parse(line);
  const file = `${folder}/haproxy.cfg`;
  const check = spawnSync("haproxy", ["-c", "-f", file], { encoding: "utf8" });
  const answers = [];
  let printed = "";
  if (check.status === 0) {
    const proxy = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", "pipe", "ignore"] });
    proxy.stdout.on("data", (chunk) => {
      printed += chunk;
    });
    const ended = new Promise((resolve) => proxy.once("close", resolve));
    for (let tries = 0; tries < 200; tries++) {
      const isUp = await ask({ path: "/" }).then(
        () => true,
        ({ code }) => code === "ECONNRESET", // it wants the PROXY protocol
      );
      if (isUp) break;
      await sleep(20);
    }
    for (let first = 0; first < requests.length; first += AT_ONCE)
      answers.push(...(await Promise.all(requests.slice(first, first + AT_ONCE).map(ask))).map(read));
    // It ends with its last connection, and has logged all of them then.
    proxy.kill("SIGUSR1");
    await Promise.race([ended, sleep(5000)]);
    proxy.kill("SIGKILL");
    await ended;
  }
  const said = `${check.stdout}${check.stderr}`.split("\n").filter((each) => /\[(ALERT|WARNING)\]/.test(each));
  process.stdout.write(`${JSON.stringify({ said, answers, printed })}\n`);
}
process.exit(0);
