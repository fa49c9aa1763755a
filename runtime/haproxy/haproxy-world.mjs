// @ts-check
/**
 * A world for one HAProxy at a time: a network namespace in which it listens, and a second one behind it in which every address answers. It is
 * run in the first namespace; the second one is its own child. Reads a line of JSON for each configuration:
 *
 *   {folder, ports, names: [[name, address]], requests: [{method, scheme, serverName, host, target}]}
 *
 * `ports` are those at which servers listen, at each address. `names` are all names that can be looked up. Answers with a line, `{said, outcomes}`: what HAProxy says of the configuration, and
 * for each request `{status, address, port, certificate}`: the status of the answer, 0 where the TLS handshake was refused; the end that got the
 * request, undefined where HAProxy answers itself; and the certificate that was shown (DER as base64).
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { serveNames } from "./name-server.mjs";

/** Addresses of the first namespace: the dummy address of RFC 7600, and one that is discarded elsewhere (RFC 6666). */
const OWN = { four: "192.0.0.8", six: "100::8" };
const GATEWAY = { four: "192.0.0.9", six: "100::9" };
const MAC = { own: "02:00:00:00:00:08", gateway: "02:00:00:00:00:09" };

/** @param {string} commands one in a line */
function ip(commands) {
  execFileSync("ip", ["-batch", "-"], { input: commands, stdio: ["pipe", "ignore", "inherit"] });
}

// --- the second namespace ------------------------------------------------------------------------------------------------

/** Servers at all addresses. Reads lines of ports and names, and answers each when the ports are served. */
async function serve() {
  process.stdout.write("ready\n");
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  await lines.next(); // the device is here
  ip(`link set lo up
link set servers address ${MAC.gateway} up
address add ${GATEWAY.four}/31 dev servers
address add ${GATEWAY.six}/127 dev servers nodad
neighbour replace ${OWN.four} lladdr ${MAC.own} dev servers nud permanent
neighbour replace ${OWN.six} lladdr ${MAC.own} dev servers nud permanent
route replace ${OWN.four}/32 dev servers table local
route replace ${OWN.six}/128 dev servers table local
route replace local 0.0.0.0/0 dev lo table local
route replace local ::/0 dev lo table local
`);
  /** @type {Set<number>} */
  const listening = new Set();
  /** @type {Map<string, string>} */
  const addresses = new Map();
  await serveNames(addresses);
  process.stdout.write("ready\n");
  for await (const line of lines) {
    const { ports, names } = JSON.parse(line);
    addresses.clear();
    for (const [name, address] of names) addresses.set(name, address);
    for (const port of ports) {
      if (listening.has(port)) continue;
      listening.add(port);
      const server = createServer((request, response) => {
        const { localAddress = "", localPort } = request.socket;
        response.setHeader("x-kpc-end", `${localAddress.replace(/^::ffff:/, "")} ${localPort}`);
        response.setHeader("content-length", 0);
        response.end();
      });
      server.keepAliveTimeout = 0;
      await new Promise((resolve, reject) => {
        server.on("error", reject);
        server.listen(port, "::", () => resolve(undefined));
      });
    }
    process.stdout.write("ready\n");
  }
  process.exit(0);
}

/** Starts the second namespace. @returns a function that has servers listen at ports, and names looked up */
async function startServers() {
  const child = spawn("unshare", ["-n", process.execPath, process.argv[1] ?? "", "serve"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  ip(`link set lo up
link add proxy type veth peer name servers
link set servers netns ${child.pid}
link set proxy address ${MAC.own} up
address add ${OWN.four}/31 dev proxy
address add ${OWN.six}/127 dev proxy nodad
neighbour replace ${GATEWAY.four} lladdr ${MAC.gateway} dev proxy nud permanent
neighbour replace ${GATEWAY.six} lladdr ${MAC.gateway} dev proxy nud permanent
`);
  child.stdin.write("\n");
  await lines.next();
  // The link is up when both ends are.
  ip(`route replace default via ${GATEWAY.four} dev proxy
route replace default via ${GATEWAY.six} dev proxy
`);
  return async (
    /** @type {readonly number[]} */ ports,
    /** @type {readonly (readonly [string, string])[]} */ names,
  ) => {
    child.stdin.write(`${JSON.stringify({ ports, names })}\n`);
    if ((await lines.next()).done) throw new Error("the servers have ended");
  };
}

/** Has programs of this namespace ask the name server of the second one, and nobody else. */
function useNameServer() {
  provide("/etc/resolv.conf", `nameserver ${GATEWAY.four}\n`);
  if (existsSync("/etc/nsswitch.conf")) provide("/etc/nsswitch.conf", "hosts: dns\n");
}

/** Puts a text in the place of a file, for this mount namespace only, whose /run is its own. @param {string} path @param {string} text */
function provide(path, text) {
  const own = `/run/kpc${path}`;
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, text);
  execFileSync("mount", ["--bind", own, realpathSync(path)], { stdio: ["ignore", "ignore", "inherit"] });
}

// --- requests ------------------------------------------------------------------------------------------------------------

/** @typedef {{ method: string, scheme: "http" | "https", serverName?: string, host?: string, target: string }} Asked */
/** @typedef {{ status: number, address?: string, port?: number, certificate?: string }} Outcome */

/** A connection that stays open between requests, as long as HAProxy wants. */
class Connection {
  /** @type {import("node:net").Socket | undefined} */
  socket;
  text = "";
  /** @type {((whole: boolean) => void) | undefined} */
  wake;

  /** @param {Asked} asked @returns {Promise<Outcome>} */
  async ask({ method, host, target }) {
    // HTTP/1.0 may leave the header out.
    const head = `${method} ${target} HTTP/1.0\r\nConnection: keep-alive\r\n`;
    const request = `${head}${host === undefined ? "" : `Host: ${host}\r\n`}\r\n`;
    for (let tries = 0; tries < 2; tries++) {
      const { socket: known } = this;
      this.text = "";
      const socket = known ?? (await this.open());
      socket.write(request);
      if (await this.isAnswered()) return this.read(method);
      this.socket = undefined;
      // One that was open may have been closed before HAProxy saw the request.
      if (known === undefined) break;
    }
    throw new Error(`no answer to ${JSON.stringify(request)}`);
  }

  /** @returns {Promise<import("node:net").Socket>} */
  open() {
    return new Promise((resolve, reject) => {
      const socket = connect(80, "127.0.0.1", () => resolve(socket));
      this.socket = socket;
      socket.setEncoding("latin1").on("data", (chunk) => {
        this.text += chunk;
        if (this.text.includes("\r\n\r\n")) this.wake?.(true);
      });
      socket.on("error", (error) => {
        reject(error);
        this.end(socket);
      });
      socket.on("close", () => this.end(socket));
    });
  }

  /** @param {import("node:net").Socket} socket */
  end(socket) {
    if (this.socket === socket) this.socket = undefined;
    this.wake?.(this.text !== "");
  }

  /** @returns {Promise<boolean>} */
  isAnswered() {
    return new Promise((resolve) => {
      this.wake = (whole) => {
        this.wake = undefined;
        resolve(whole);
      };
      if (this.text.includes("\r\n\r\n")) this.wake(true);
    });
  }

  /** @param {string} method @returns {Outcome} */
  read(method) {
    const outcome = read(this.text);
    const length = Number(/^content-length: (\d+)/im.exec(this.text)?.[1] ?? Number.NaN);
    const isWhole = method === "HEAD" ? false : this.text.length - this.text.indexOf("\r\n\r\n") - 4 === length;
    // What is not understood to its end ends the connection.
    if (!isWhole || /^connection: close/im.test(this.text)) {
      this.socket?.destroy();
      this.socket = undefined;
    }
    return outcome;
  }

  close() {
    this.socket?.destroy();
    this.socket = undefined;
  }
}

/** @param {string} text @returns {Outcome} */
function read(text) {
  const [, address, port] = /^x-kpc-end: (\S+) (\d+)\r$/im.exec(text) ?? [];
  const status = Number(/^HTTP\/1\.[01] (\d+)/.exec(text)?.[1]);
  return address === undefined ? { status } : { status, address, port: Number(port) };
}

/** A request over a TLS connection of its own. @param {Asked} asked @returns {Promise<Outcome>} */
function askTls({ method, serverName, host, target }) {
  return new Promise((resolve) => {
    let text = "";
    /** @type {string | undefined} */
    let certificate;
    const server = { host: "127.0.0.1", port: 443, rejectUnauthorized: false };
    const socket = connectTls({ ...server, ...(serverName === undefined ? {} : { servername: serverName }) }, () => {
      certificate = socket.getPeerCertificate().raw?.toString("base64");
      socket.write(`${method} ${target} HTTP/1.0\r\n${host === undefined ? "" : `Host: ${host}\r\n`}\r\n`);
    });
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    // A refused handshake ends in an error; what follows it is a close.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(certificate === undefined ? { status: 0 } : { ...read(text), certificate }));
  });
}

// --- configurations ------------------------------------------------------------------------------------------------------

/** How many requests are under way at a time. */
const AT_ONCE = 32;

/** @param {readonly Asked[]} requests @returns {Promise<Outcome[]>} */
async function askAll(requests) {
  /** @type {Outcome[]} */
  const outcomes = [];
  let next = 0;
  const work = async () => {
    const connection = new Connection();
    for (let i = next++; i < requests.length; i = next++) {
      const request = /** @type {Asked} */ (requests[i]);
      outcomes[i] = await (request.scheme === "https" ? askTls(request) : connection.ask(request));
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, requests.length) }, work));
  return outcomes;
}

async function isUp() {
  const connection = new Connection();
  try {
    await connection.ask({ method: "GET", scheme: "http", host: "kpc.invalid", target: "/" });
    return true;
  } catch {
    return false; // it does not listen yet
  } finally {
    connection.close();
  }
}

/** @param {string} folder @param {readonly Asked[]} requests */
async function run(folder, requests) {
  const file = `${folder}/haproxy.cfg`;
  const check = spawnSync("haproxy", ["-c", "-f", file], { encoding: "utf8" });
  const said = `${check.stdout}${check.stderr}`.split("\n").filter((line) => /\[(ALERT|WARNING)\]/.test(line));
  if (check.status !== 0) return { said: said.length > 0 ? said : ["haproxy -c fails"], outcomes: [] };
  const proxy = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
  const ended = new Promise((resolve) => proxy.once("exit", resolve));
  for (let tries = 0; tries < 500 && !(await isUp()); tries++) await sleep(20);
  try {
    return { said, outcomes: await askAll(requests) };
  } catch (error) {
    return { said: [...said, String(error)], outcomes: [] };
  } finally {
    proxy.kill("SIGKILL");
    await ended;
  }
}

if (process.argv[2] === "serve") await serve();
const listen = await startServers();
let hasNameServer = false;
for await (const line of createInterface({ input: process.stdin })) {
  const { folder, ports, names, requests } = JSON.parse(line);
  await listen(ports, names);
  if (names.length > 0 && !hasNameServer) {
    useNameServer();
    hasNameServer = true;
  }
  process.stdout.write(`${JSON.stringify(await run(folder, requests))}\n`);
}
process.exit(0);
