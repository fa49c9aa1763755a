/** `kpc lab up`: a described network that stays up while people talk to it, and the commands that find it again. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { LabTrouble } from "../../runtime/lab/lab-helper.ts";
import { describeInputs } from "./describe.ts";
import { Ending } from "./ending.ts";
import { readLabInputs, sortWords } from "./lab-inputs.ts";
import { LabPrompt, type LabReply } from "./lab-prompt.ts";
import { labDryRun, refuseWithoutNodes } from "./lab-run.ts";
import { connectTo, freeName, type LabConnection, listenAs, runningLabs } from "./lab-socket.ts";
import { whyNoLab } from "./lab-trouble.ts";
import { type CommonFlags, EXIT, note, print } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface LabUpFlags extends CommonFlags {
  /** Undefined: one that no lab has. */
  readonly name?: string;
  readonly detach?: boolean;
  /** Prints the script that builds the network, and no more. */
  readonly dryRun?: boolean;
}

/** Is set in the process that a detached lab lives in. */
const DETACHED = "KPC_LAB_DETACHED";

export async function labUpCommand(words: readonly string[], flags: LabUpFlags): Promise<number> {
  const { flows, names } = sortWords(words);
  if (flows.length > 0) throw new Trouble(`kpc lab up takes no flows: type ask ${flows[0]} at its prompt`);
  if (flags.dryRun === true) return labDryRun(readLabInputs(names, flags), flags);
  const isBehind = process.env[DETACHED] === "1";
  if (flags.detach === true && !isBehind) return detach(flags.name ?? (await freeName()));
  const { described } = await describeInputs(readLabInputs(names, flags), flags);
  if (described === undefined) return EXIT.trouble;
  refuseWithoutNodes(described);
  const prompt = await open(() => LabPrompt.open(described));
  note(prompt.notes(), flags);
  const hosts = described.layout.network.hosts.size;
  const ended = new Ending();
  try {
    const name = flags.name ?? (await freeName());
    const info = { name, pid: process.pid, hosts, inputs: names };
    const socket = await listenAs(info, async (line) => {
      const reply = await prompt.answer(line);
      if (reply.isEnd === true) setImmediate(() => ended.end());
      return reply;
    });
    try {
      if (isBehind) {
        process.stdout.write("up\n");
        await ended.promise;
        return EXIT.fine;
      }
      note([`lab ${name} is up: ${hosts} hosts (help lists commands, quit takes it down)`], flags);
      return await talk((line) => prompt.answer(line), ended);
    } finally {
      socket.close();
    }
  } finally {
    prompt.close();
    ended.forget();
  }
}

async function open(make: () => Promise<LabPrompt>): Promise<LabPrompt> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof LabTrouble) throw new Trouble(whyNoLab(error));
    throw error;
  }
}

/** Starts a process for the lab and leaves it. Its arguments are those of this one. */
function detach(name: string): Promise<number> {
  const [, script = "", ...args] = process.argv;
  const named = args.includes("--name") ? args : [...args, "--name", name];
  const child = spawn(process.execPath, [script, ...named], {
    detached: true,
    stdio: ["inherit", "pipe", "pipe"],
    env: { ...process.env, [DETACHED]: "1" },
  });
  return new Promise((resolve) => {
    child.stderr.on("data", (text: Buffer) => process.stderr.write(text));
    child.stdout.once("data", () => {
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      child.unref();
      resolve(print(`${name}\n`).then(() => EXIT.fine));
    });
    child.once("close", (code) => resolve(code ?? EXIT.trouble));
  });
}

/** Reads lines until the end of standard input, or the lab's. The exit code is the worst of those of the lines, where no terminal is
 *  there to see them. */
async function talk(
  answer: (line: string) => Promise<LabReply | undefined>,
  ended: Pick<Ending, "promise">,
): Promise<number> {
  const isTerminal = process.stdin.isTTY;
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal ? { output: process.stderr, prompt: "lab> " } : {}),
    terminal: isTerminal,
  });
  void ended.promise.then(() => lines.close());
  lines.on("SIGINT", () => lines.close());
  let worst: number = EXIT.fine;
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    const reply = await answer(line);
    if (reply === undefined) break;
    const stream = reply.code === EXIT.trouble ? process.stderr : undefined;
    if (stream === undefined) await print(reply.text);
    else stream.write(`kpc: ${reply.text}`);
    const ran = reply.command === undefined ? EXIT.fine : await runReply(reply, reply.command, isTerminal);
    worst = Math.max(worst, reply.code, ran);
    if (reply.isEnd === true) break;
    if (isTerminal) lines.prompt();
  }
  lines.close();
  return isTerminal ? EXIT.fine : worst;
}

/** Runs a command that has the terminal for itself; lines of a pipe are none of its business. */
function runReply({ isInteractive }: LabReply, command: readonly string[], isTerminal: boolean): Promise<number> {
  if (isInteractive === true && !isTerminal) {
    process.stderr.write("kpc: a shell needs a terminal: expected exec HOST -- COMMAND\n");
    return Promise.resolve(EXIT.trouble);
  }
  const [program = "", ...args] = command;
  if (isTerminal) process.stdin.setRawMode(false);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: [isTerminal ? "inherit" : "ignore", "inherit", "inherit"],
      env: toolEnvironment(),
    });
    child.once("error", ({ message }) => {
      process.stderr.write(`kpc: ${message}\n`);
      resolve(EXIT.trouble);
    });
    child.once("close", (code) => {
      if (isTerminal) process.stdin.setRawMode(true);
      resolve(code === 0 ? EXIT.fine : EXIT.finding);
    });
  });
}

/** `kpc lab list`. */
export async function labListCommand(flags: { readonly output: "text" | "json" }): Promise<number> {
  const labs = await runningLabs();
  if (flags.output === "json") await print(`${JSON.stringify(labs, null, 2)}\n`);
  else
    await print(
      labs
        .map(({ name, pid, hosts, inputs }) => `${name}  ${hosts} hosts  process ${pid}  ${inputs.join(" ")}\n`)
        .join(""),
    );
  return EXIT.fine;
}

/** `kpc lab down`: the lab is gone when the command ends. */
export async function labDownCommand(names: readonly string[]): Promise<number> {
  for (const name of names) {
    const connection = await connectTo(name);
    await connection.ask({ line: "quit" });
    await connection.closed;
  }
  return EXIT.fine;
}

/** `kpc lab enter`: the prompt of a lab that runs. */
export async function labEnterCommand(name: string, words: readonly string[]): Promise<number> {
  const connection = await connectTo(name);
  const answer = async (line: string): Promise<LabReply | undefined> => replyOf(connection, line);
  try {
    if (words.length === 0) return await talk(answer, { promise: connection.closed });
    const reply = await answer(lineOf(words));
    if (reply === undefined) throw new Trouble(`the lab ${name} has ended`);
    if (reply.code === EXIT.trouble) throw new Trouble(reply.text.trimEnd());
    await print(reply.text);
    if (reply.command === undefined) return reply.code;
    return await runReply(reply, reply.command, process.stdin.isTTY);
  } finally {
    connection.close();
  }
}

/** The line that the arguments stand for: those of a command keep their borders. */
function lineOf([word = "", host = "", ...rest]: readonly string[]): string {
  const isSeparate = word === "exec" && rest.length > 1;
  const quoted = (each: string): string =>
    /^[\w@%+=:,./-]+$/.test(each) ? each : `'${each.replaceAll("'", "'\\''")}'`;
  return [word, host, ...(isSeparate ? rest.map(quoted) : rest)].join(" ").trimEnd();
}

async function replyOf(connection: LabConnection, line: string): Promise<LabReply | undefined> {
  const text = await connection.ask({ line });
  return text === undefined ? undefined : (JSON.parse(text) as LabReply);
}
