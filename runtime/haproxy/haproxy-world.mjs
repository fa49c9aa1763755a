// @ts-check
/**
 * A world for one HAProxy at a time: a network namespace in which it listens, and a second one behind it in which every address answers. It is
 * run in the first namespace; the second one is its own child. Reads a line of JSON for each configuration:
 *
 *   {folder, ports, names: [[name, address]], requests: [{method, scheme, port, serverName, host, target, headers}]}
 *
 * `ports` are those at which servers listen, at each address. `names` are all names that can be looked up. Answers with a line, `{said, outcomes}`: what HAProxy says of the configuration, and
 * for each request `{status, address, port, seen, headers, certificate}`: the status of the answer, 0 where the TLS handshake was refused, -1 where
 * nothing listens; the end that got the request, undefined where HAProxy answers itself, and what it got, `{method, target, headers}`; the headers
 * of the answer; and the certificate that was shown (DER as base64).
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
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
        const { method, url: target, rawHeaders: headers } = request;
        const seen = Buffer.from(JSON.stringify({ method, target, headers }));
        response.setHeader("content-length", seen.length);
        response.end(seen);
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

/** @typedef {{ name: string, value: string }} NamedText */
/** @typedef {{ method: string, scheme: "http" | "https", port: number, serverName?: string, host?: string, target: string, headers: readonly NamedText[] }} Asked */
/** @typedef {{ method: string, target: string, headers: readonly string[] }} Seen */
/** @typedef {{ status: number, address?: string, port?: number, seen?: Seen, headers?: readonly NamedText[], certificate?: string }} Outcome */

/** @param {Asked} asked @param {string} connection what its header says */
function textOf({ method, host, target, headers }, connection) {
  const lines = [
    // HTTP/1.0 may leave the header out.
    `${method} ${target} HTTP/1.0`,
    ...(connection === "" ? [] : [`Connection: ${connection}`]),
    ...(host === undefined ? [] : [`Host: ${host}`]),
    ...headers.map(({ name, value }) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A connection to a port that stays open between requests, as long as HAProxy wants. */
class Connection {
  /** @type {import("node:net").Socket | undefined} */
  socket;
  text = "";
  method = "GET";
  /** @type {((whole: boolean) => void) | undefined} */
  wake;

  /** @param {number} port @param {boolean} isTls whether it is TLS that is spoken there */
  constructor(port, isTls) {
    this.port = port;
    this.isTls = isTls;
  }

  /** @param {Asked} asked @returns {Promise<Outcome>} */
  async ask(asked) {
    const request = textOf(asked, "keep-alive");
    this.method = asked.method;
    for (let tries = 0; tries < 2; tries++) {
      const { socket: known } = this;
      this.text = "";
      const socket = known ?? (await this.open());
      if (socket === undefined) return { status: -1 };
      socket.write(request, "latin1");
      if (await this.isAnswered()) return this.read();
      this.socket = undefined;
      // One that was open may have been closed before HAProxy saw the request.
      if (known === undefined) break;
    }
    if (this.isTls) return { status: 0 };
    throw new Error(`no answer to ${JSON.stringify(request)}`);
  }

  /** @returns {Promise<import("node:net").Socket | undefined>} undefined: nothing listens */
  open() {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, "127.0.0.1", () => resolve(socket));
      this.socket = socket;
      socket.setEncoding("latin1").on("data", (chunk) => {
        this.text += chunk;
        if (this.isWhole()) this.wake?.(true);
      });
      socket.on("error", (error) => {
        if ("code" in error && error.code === "ECONNREFUSED") resolve(undefined);
        else reject(error);
        this.end(socket);
      });
      socket.on("close", () => this.end(socket));
    });
  }

  /** Whether all of an answer is here that says how long it is; of others, its head. */
  isWhole() {
    const head = this.text.indexOf("\r\n\r\n");
    if (head < 0) return false;
    const length = this.method === "HEAD" ? 0 : Number(lengthIn(this.text) ?? 0);
    return this.text.length >= head + 4 + length;
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
      if (this.isWhole()) this.wake(true);
    });
  }

  /** @returns {Outcome} */
  read() {
    const outcome = read(this.text);
    const length = Number(lengthIn(this.text) ?? Number.NaN);
    const isWhole = this.method !== "HEAD" && this.text.length - this.text.indexOf("\r\n\r\n") - 4 === length;
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

/** What the head of an answer says of the length of its body. @param {string} text */
function lengthIn(text) {
  return /^content-length: (\d+)/im.exec(text.slice(0, text.indexOf("\r\n\r\n")))?.[1];
}

/** @param {string} text @returns {Outcome} */
function read(text) {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d+)/.exec(first)?.[1]);
  const headers = lines.map((line) => {
    const [, name = "", value = ""] = /^(.*?): ?(.*)$/.exec(line) ?? [];
    return { name: name.toLowerCase(), value };
  });
  const [, address, port] = /^(\S+) (\d+)$/.exec(headers.find(({ name }) => name === "x-kpc-end")?.value ?? "") ?? [];
  if (address === undefined) return { status, headers };
  const body = text.slice(end + 4);
  const seen = body === "" ? {} : { seen: JSON.parse(Buffer.from(body, "latin1").toString()) };
  return { status, address, port: Number(port), headers, ...seen };
}

/** A request over a TLS connection of its own. @param {Asked} asked @returns {Promise<Outcome>} */
function askTls(asked) {
  const { port, serverName } = asked;
  return new Promise((resolve) => {
    let text = "";
    let isClosed = false;
    /** @type {string | undefined} */
    let certificate;
    const server = { host: "127.0.0.1", port, rejectUnauthorized: false };
    const socket = connectTls({ ...server, ...(serverName === undefined ? {} : { servername: serverName }) }, () => {
      certificate = socket.getPeerCertificate().raw?.toString("base64");
      socket.write(textOf(asked, ""), "latin1");
    });
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += chunk;
    });
    // A refused handshake ends in an error; what follows it is a close.
    socket.on("error", (error) => {
      isClosed = "code" in error && error.code === "ECONNREFUSED";
    });
    socket.on("close", () =>
      resolve(certificate === undefined ? { status: isClosed ? -1 : 0 } : { ...read(text), certificate }),
    );
  });
}

// --- configurations ------------------------------------------------------------------------------------------------------

/** How many requests are under way at a time. */
const AT_ONCE = 32;

/** @param {readonly Asked[]} requests @param {ReadonlySet<number>} tlsPorts @returns {Promise<Outcome[]>} */
async function askAll(requests, tlsPorts) {
  /** @type {Outcome[]} */
  const outcomes = [];
  let next = 0;
  const work = async () => {
    /** @type {Map<number, Connection>} */
    const connections = new Map();
    for (let i = next++; i < requests.length; i = next++) {
      const request = /** @type {Asked} */ (requests[i]);
      const { port, scheme } = request;
      const connection = connections.get(port) ?? new Connection(port, tlsPorts.has(port));
      connections.set(port, connection);
      outcomes[i] = await (scheme === "https" ? askTls(request) : connection.ask(request));
    }
    for (const connection of connections.values()) connection.close();
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, requests.length) }, work));
  return outcomes;
}

/** @param {number} port @returns {Promise<boolean>} */
function isUp(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    // It does not listen yet.
    socket.on("error", () => resolve(false));
  });
}

/** @param {string} folder @param {readonly Asked[]} requests */
async function run(folder, requests) {
  const file = `${folder}/haproxy.cfg`;
  const check = spawnSync("haproxy", ["-c", "-f", file], { encoding: "utf8" });
  const said = `${check.stdout}${check.stderr}`.split("\n").filter((line) => /\[(ALERT|WARNING)\]/.test(line));
  if (check.status !== 0) return { said: said.length > 0 ? said : ["haproxy -c fails"], outcomes: [] };
  const proxy = spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
  const ended = new Promise((resolve) => proxy.once("exit", resolve));
  const binds = [...readFileSync(file, "utf8").matchAll(/^ {2}bind :(\d+)(.*)$/gm)];
  const tlsPorts = new Set(binds.flatMap(([, port, words = ""]) => (words.includes(" ssl ") ? [Number(port)] : [])));
  // It listens at all of them at once.
  for (let tries = 0; tries < 500 && !(await isUp(Number(binds[0]?.[1]))); tries++) await sleep(20);
  try {
    return { said, outcomes: await askAll(requests, tlsPorts) };
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
