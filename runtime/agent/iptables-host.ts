/** iptables-save and iptables-restore of a host. */
import { spawn } from "node:child_process";
import { toolEnvironment } from "../kernel/namespace.ts";
import { type RefusalReason, reasonInWords, type TransactionAnswer } from "../table/answers.ts";
import { holding, NetfilterTrouble } from "../table/netfilter.ts";

export const IPTABLES_FAMILIES = ["ip", "ip6"] as const;

export type IptablesFamily = (typeof IPTABLES_FAMILIES)[number];

export const IPTABLES_BACKENDS = ["nft", "legacy"] as const;

/** Which kernel interface iptables writes to. */
export type IptablesBackend = (typeof IPTABLES_BACKENDS)[number];

export interface IptablesHost {
  /** Undefined: nothing of the host is read or changed. */
  readonly backend: IptablesBackend | undefined;
  /** Those of which there are tools. */
  readonly families: readonly IptablesFamily[];
  /** What iptables-save or ip6tables-save prints. Throws `NetfilterTrouble` where it cannot tell. */
  save(family: IptablesFamily): Promise<string>;
  /** What `iptables -S` or `ip6tables -S` prints of a chain; undefined: there is no such chain, or it has rules that are none of iptables. Throws
   *  `NetfilterTrouble`. */
  list(family: IptablesFamily, table: string, chain: string): Promise<string | undefined>;
  /** Gives `text` to iptables-restore or ip6tables-restore, which keeps all chains that it does not name. */
  restore(family: IptablesFamily, text: string): Promise<TransactionAnswer>;
}

/** Takes everything and has nothing. */
export const PRINTING_HOST: IptablesHost = {
  backend: undefined,
  families: IPTABLES_FAMILIES,
  save: () => Promise.resolve(""),
  list: () => Promise.resolve(undefined),
  restore: () => Promise.resolve({ kind: "done" }),
};

/** How long one of them may take. */
const LIMIT_MS = 60_000;

/** Seconds that iptables-restore waits for another one that writes. */
const LOCK_SECONDS = 5;

/** Held by one that runs: it ends its work also when its agent is killed, and the next agent waits for that. */
const HELD_NAME = "kpc-iptables";

/** Finds out what iptables is on this host. `tool`: `iptables`, or with the backend in its name. `wrapper`: a command that runs others
 *  elsewhere, as `nsenter`. Throws `NetfilterTrouble` where there is none. */
export async function openIptables(
  backend: IptablesBackend | undefined,
  wrapper: readonly string[] = [],
): Promise<IptablesHost> {
  const suffix = suffixOf(backend);
  const version = await run(wrapper, [`iptables${suffix}`, "--version"]);
  const restore = await run(wrapper, [`iptables${suffix}-restore`, "--version"]);
  for (const [tool, { status, errors }] of [
    [`iptables${suffix}`, version],
    [`iptables${suffix}-restore`, restore],
  ] as const)
    if (status !== 0)
      throw new NetfilterTrouble(
        `${tool} cannot be run (${firstLine(errors)}): install iptables, or write nft rules (-o nft)`,
      );
  const isDual = (await run(wrapper, [`ip6tables${suffix}-restore`, "--version"])).status === 0;
  // Before there was a choice, there was one backend.
  const found = backend ?? (/nf_tables/.test(version.output) ? "nft" : "legacy");
  return hostOf(suffix, found, isDual ? IPTABLES_FAMILIES : ["ip"], wrapper);
}

/** The tools of which `isWanted` takes what they print: those of the iptables that the host has, else of a backend. One that is not there, or cannot tell, is
 *  left out. */
export async function savesOf(
  isWanted: (text: string) => boolean,
): Promise<readonly { readonly tool: string; readonly family: IptablesFamily }[]> {
  for (const backend of [undefined, ...IPTABLES_BACKENDS]) {
    const suffix = suffixOf(backend);
    const found: { tool: string; family: IptablesFamily }[] = [];
    for (const family of IPTABLES_FAMILIES) {
      const tool = `${family}tables${suffix}-save`;
      const { status, output } = await run([], [tool]);
      if (status === 0 && isWanted(output)) found.push({ tool, family });
    }
    if (found.length > 0) return found;
  }
  return [];
}

function suffixOf(backend: IptablesBackend | undefined): string {
  return backend === undefined ? "" : `-${backend}`;
}

function hostOf(
  suffix: string,
  backend: IptablesBackend,
  families: readonly IptablesFamily[],
  wrapper: readonly string[],
): IptablesHost {
  const nameOf = (family: IptablesFamily, what: string): string => `${family}tables${suffix}-${what}`;
  return {
    backend,
    families,
    save: async (family) => {
      const tool = nameOf(family, "save");
      const { status, output, errors } = await run(wrapper, holding(HELD_NAME, [tool]));
      if (status !== 0) throw new NetfilterTrouble(`${tool} has failed: ${firstLine(errors)}`);
      const [incompatible] = /^#.*is incompatible.*$/m.exec(`${output}\n${errors}`) ?? [];
      if (incompatible !== undefined)
        throw new NetfilterTrouble(`${tool} cannot tell: ${incompatible.slice(1).trim()}`);
      return output;
    },
    list: async (family, table, chain) => {
      const tool = `${family}tables${suffix}`;
      const { status, output, errors } = await run(wrapper, [tool, "-t", table, "-S", chain]);
      if (status < 0) throw new NetfilterTrouble(`${tool} has failed: ${firstLine(errors)}`);
      return status === 0 ? output : undefined;
    },
    restore: async (family, text) => {
      const tool = nameOf(family, "restore");
      const command = [tool, "--noflush", "-w", String(LOCK_SECONDS)];
      const { status, errors } = await run(wrapper, holding(HELD_NAME, command), text);
      if (status === 0) return { kind: "done" };
      return { kind: "refused", reason: reasonOf(status, errors), message: `${tool}: ${errors.trim()}` };
    },
  };
}

/** iptables ends with status 4 where another one holds its lock, or the kernel's tables change beneath it. */
function reasonOf(status: number, errors: string): RefusalReason {
  if (status < 0) return "ended";
  if (/xtables lock|Resource temporarily unavailable/.test(errors)) return "again";
  return reasonInWords(errors);
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

interface Ended {
  /** -1: it could not be started, or has not ended by itself. */
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

function run(wrapper: readonly string[], command: readonly string[], input = ""): Promise<Ended> {
  const [program = "", ...args] = [...wrapper, ...command];
  return new Promise((resolve) => {
    const env = { ...toolEnvironment(), LC_ALL: "C" };
    const child = spawn(program, args, { env });
    // One of `spawn` would outlive a program that is not there.
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    const end = (ended: Ended): void => {
      clearTimeout(timer);
      resolve(ended);
    };
    const output: string[] = [];
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => void output.push(part));
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      errors += part;
    });
    child.stdin.on("error", () => undefined); // it has ended, which is told
    child.on("error", ({ message }) => end({ status: -1, output: "", errors: message }));
    child.on("close", (status, signal) => {
      if (signal !== null) errors += `\nit has ended: ${signal}`;
      end({ status: status ?? -1, output: output.join(""), errors });
    });
    child.stdin.end(input);
  });
}
