/** Labs that run, by name: each has a socket in a folder of its user, which takes lines and gives replies. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LabReply } from "./lab-prompt.ts";
import { isSystemError, reasonOf } from "./output.ts";
import { Trouble } from "./trouble.ts";

/** What a lab tells of itself. */
export interface LabInfo {
  readonly name: string;
  readonly pid: number;
  readonly hosts: number;
  readonly inputs: readonly string[];
}

/** A line for a lab, or the question what it is. */
type LabRequest = { readonly line: string } | { readonly info: true };

const ENDING = ".sock";

/** The most bytes that the path of a socket may have (sun_path of Linux). */
const MAX_PATH = 107;

/** The folder of the user's sockets, which is made where it is not there. Throws `Trouble` where it is somebody else's. */
function socketFolder(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"] ?? "";
  const user = process.getuid?.() ?? 0;
  const folder = runtime === "" ? `/tmp/kpc-${user}` : join(runtime, "kpc");
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const { uid, mode } = lstatSync(folder);
    if (uid !== user || (mode & 0o077) !== 0)
      throw new Trouble(`${folder} is open to other users: expected a folder of user ${user} alone (chmod 700)`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Trouble(`cannot make ${folder}: ${reasonOf(error)}`);
  }
  return folder;
}

/** The path of a lab's socket. Throws `Trouble` for what is no name. */
function pathOf(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new Trouble(`${name} is no name of a lab: expected letters, digits, dots, hyphens and underscores`);
  const path = join(socketFolder(), `${name}${ENDING}`);
  if (Buffer.byteLength(path) > MAX_PATH) throw new Trouble(`the name ${name} is too long for a socket: ${path}`);
  return path;
}

/** The labs that run, sorted by name. What dead ones have left is removed. */
export async function runningLabs(): Promise<LabInfo[]> {
  const folder = socketFolder();
  const found: LabInfo[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(ENDING)) continue;
    const connection = await connect(join(folder, file));
    if (connection === undefined) continue;
    const reply = await connection.ask({ info: true });
    connection.close();
    if (reply !== undefined) found.push(JSON.parse(reply) as LabInfo);
  }
  return found;
}

/** A name that no lab has: `lab-1`, `lab-2`, … */
export async function freeName(): Promise<string> {
  const taken = new Set((await runningLabs()).map(({ name }) => name));
  for (let i = 1; ; i++) if (!taken.has(`lab-${i}`)) return `lab-${i}`;
}

/** Whoever waits for the lab's end is told by the end of the connection. */
export interface LabConnection {
  /** The lab's reply; undefined: it has ended. */
  readonly ask: (request: LabRequest) => Promise<string | undefined>;
  readonly closed: Promise<void>;
  readonly close: () => void;
}

/** A connection to the lab `name`. Throws `Trouble` where none has that name. */
export async function connectTo(name: string): Promise<LabConnection> {
  const connection = await connect(pathOf(name));
  if (connection !== undefined) return connection;
  const others = (await runningLabs()).map((each) => each.name);
  throw new Trouble(`no lab ${name} is running${others.length === 0 ? "" : `: there is ${others.join(", ")}`}`);
}

/** Undefined: nobody listens there; then there is no such file any more. */
function connect(path: string): Promise<LabConnection | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") rmSync(path, { force: true });
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(undefined);
      else reject(new Trouble(`cannot talk to ${path}: ${reasonOf(error)}`));
    });
    socket.once("connect", () => resolve(connectionOf(socket)));
  });
}

function connectionOf(socket: Socket): LabConnection {
  const waiting: ((reply: string | undefined) => void)[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.removeAllListeners("error").on("error", () => undefined); // its end is told
    socket.on("close", () => {
      for (const each of waiting.splice(0)) each(undefined);
      resolve();
    });
  });
  createInterface({ input: socket }).on("line", (line) => waiting.shift()?.(line));
  return {
    ask: (request) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve(undefined);
        waiting.push(resolve);
        socket.write(`${JSON.stringify(request)}\n`);
      }),
    closed,
    close: () => void socket.destroy(),
  };
}

/** Takes lines for a lab from now on. Throws `Trouble` where another lab has the name. */
export async function listenAs(
  info: LabInfo,
  answer: (line: string) => Promise<LabReply>,
): Promise<{ readonly close: () => void }> {
  const path = pathOf(info.name);
  const other = await connect(path);
  if (other !== undefined) {
    other.close();
    throw new Trouble(`a lab ${info.name} is running already (kpc lab down ${info.name} takes it down)`);
  }
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("close", () => sockets.delete(socket)));
    socket.on("error", () => undefined); // whoever asked has gone
    createInterface({ input: socket }).on("line", (text) => {
      const request = JSON.parse(text) as LabRequest;
      const reply = "line" in request ? answer(request.line) : Promise.resolve(info);
      void reply.then((value) => socket.write(`${JSON.stringify(value)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Trouble(`cannot listen at ${path}: ${reasonOf(error)}`)),
    );
    server.listen(path, resolve);
  });
  return {
    // Whoever is connected is told by the end of the process that the lab is gone.
    close: () => {
      server.close();
      for (const socket of sockets) socket.unref();
      rmSync(path, { force: true });
    },
  };
}
