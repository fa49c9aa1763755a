/** `kpc apply`: makes the rules of this node those of the manifests, and shows before what that changes. */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { changesBetween, changeTables, withoutElements } from "../../runtime/table/change-tables.ts";
import { digestOfKernel, digestOfTables, readLiveRules, readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter, NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import { TableWriter } from "../../runtime/table/writer.ts";
import { compileSpecs } from "../compile.ts";
import { printChange } from "../formats/nft/print-change.ts";
import { unsupportedByNft } from "../formats/nft/unsupported.ts";
import type { TableChange } from "../ir/table-change.ts";
import type { Table } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { namesAsText } from "../node/resolve.ts";
import type { NodeSpec, Specs } from "../specs/types.ts";
import { type EndpointNames, endpointNamesIn } from "../verify/services/endpoint-names.ts";
import { planOf, renderPlan } from "../verify/services/plan.ts";
import { Confirmation, confirmNow, OWNER_NAME, waitingHere, watchAbandoned, watchPending } from "./apply-confirm.ts";
import { describeTraffic } from "./apply-traffic.ts";
import { nameOfThisHost } from "./host-name.ts";
import { type CommonFlags, EXIT, inputsOf, note, optionsOf, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface ApplyFlags extends CommonFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** Seconds. */
  readonly confirm?: number;
  readonly confirmNow?: string;
  readonly cleanup?: boolean;
  readonly force?: boolean;
  readonly limit?: number;
  /** Seconds that the comparison of traffic may take; 0: none is made. */
  readonly time: number;
  /** The change that this process watches. */
  readonly watch?: string;
}

/** What the tables are to be. */
interface Wanted {
  readonly tables: readonly Table[];
  readonly addresses: readonly Address[];
  readonly pods: EndpointNames;
}

export async function applyCommand(names: readonly string[], flags: ApplyFlags): Promise<number> {
  if (flags.watch !== undefined) return await watchPending(flags.watch);
  if (flags.confirmNow !== undefined) return await confirmNow(flags.confirmNow, flags);
  refuseCombinations(names, flags);
  const wanted = flags.cleanup ? { tables: [], addresses: [], pods: new Map() } : wantedTables(names, flags);
  if (wanted === undefined) return EXIT.trouble;
  const netfilter = new Netfilter();
  const writer = new TableWriter();
  try {
    if (flags.dryRun !== true) await own(netfilter, flags);
    return await apply(netfilter, writer, wanted, flags);
  } catch (error) {
    throw error instanceof NetfilterTrouble ? new Trouble(error.message) : error;
  } finally {
    await writer.close();
    netfilter.close();
  }
}

/** Throws `Trouble` for flags that do not go together. */
function refuseCombinations(names: readonly string[], flags: ApplyFlags): void {
  const inputs = [...names, ...(flags.filename ?? [])];
  if (flags.cleanup && inputs.length > 0)
    throw new Trouble(`--cleanup removes kpc's tables: expected no inputs, found ${inputs[0]}`);
  if (flags.dryRun && flags.confirm !== undefined)
    throw new Trouble("--confirm is for changes that are made: --dry-run makes none");
}

/** The tables that the manifests ask for; undefined where something is wrong with these, which was shown. Throws `Trouble` where nobody says which of
 *  several Nodes this host is. */
function wantedTables(names: readonly string[], flags: ApplyFlags): Wanted | undefined {
  const { load, config } = inputsOf(names, flags);
  let ofThisHost: string | undefined;
  const nodeFor = ({ nodes }: Specs): string | undefined => {
    const name = nameOfThisHost();
    ofThisHost = nodes.length > 1 && nodes.some(({ meta }) => meta.name === name) ? name : undefined;
    return ofThisHost;
  };
  const { diagnostics, compiled } = compileSpecs(load, config, { ...optionsOf(flags), nodeFor });
  const isOpen = compiled !== undefined && compiled.node.name === undefined && compiled.specs.nodes.length > 1;
  showDiagnostics(isOpen ? diagnostics.filter(({ code }) => code !== "no-node") : diagnostics, flags);
  if (isOpen) throw new Trouble(whichNode(compiled.specs.nodes));
  if (ofThisHost !== undefined)
    note([`the rules are those of Node ${ofThisHost}, which has the name of this host`], flags);
  if (compiled === undefined) {
    process.stderr.write("kpc: nothing is applied: the inputs have errors\n");
    return undefined;
  }
  const unsupported = unsupportedByNft(compiled.program.ruleset);
  showDiagnostics(unsupported, flags);
  if (unsupported.length > 0) return undefined;
  const { program, node, specs } = compiled;
  return { tables: program.ruleset.tables, addresses: node.addresses, pods: endpointNamesIn(specs) };
}

/** Rules of no node would serve node ports at every address, and have no local endpoint: what policy Local leads to would be dropped. */
function whichNode(nodes: readonly NodeSpec[]): string {
  const names = namesAsText(nodes.map(({ meta }) => meta.name));
  return `nothing is applied: the inputs have ${nodes.length} Nodes, and none is called ${nameOfThisHost()}, as this host: expected --node NAME, one of ${names}`;
}

/** How long another writer may take to end. */
const PATIENCE_MS = 3000;

/** Throws `Trouble` where another process writes the tables of this network namespace, or a change in it waits to be confirmed. */
async function own(netfilter: Netfilter, { force }: ApplyFlags): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const holder = await netfilter.hold(OWNER_NAME);
    if (holder === undefined) break;
    if (force) break;
    if (performance.now() >= end)
      throw new Trouble(
        `process ${holder} holds kpc's tables in this network namespace (kpc apply or kpc agent): wait for it, or stop it; --force writes all the same, and it will undo what differs from its own`,
      );
    await sleep(100);
  }
  const [waiting] = waitingHere();
  if (waiting !== undefined) await watchAbandoned(waiting);
  if (waiting !== undefined && !force)
    throw new Trouble(
      `change ${waiting} waits to be confirmed (kpc apply --confirm-now ${waiting}), or is undone: apply after that; --force applies now, and is undone with it`,
    );
}

async function apply(netfilter: Netfilter, writer: TableWriter, wanted: Wanted, flags: ApplyFlags): Promise<number> {
  const before = await readLiveTables(netfilter);
  const changes = changesBetween(before, wanted.tables);
  if (changes.length === 0) {
    await say(flags, `nothing to do: ${described(wanted)}`);
    return EXIT.fine;
  }
  const plan = planOf(before, wanted.tables, changes);
  await say(flags, ...renderPlan(plan, flags.limit ?? 50), ...describeTraffic(before, wanted, plan, flags));
  if (flags.dryRun) return await dryRun(writer, changes, flags);
  if (!(await isWanted(flags))) {
    await say(flags, "nothing is applied");
    return EXIT.trouble;
  }
  const confirmation = flags.confirm === undefined ? undefined : await Confirmation.begin(before, flags.confirm * 1000);
  const { answer, transactions } = await changeTables(writer, changes, wanted.tables);
  if (answer.kind === "refused") {
    const { reason, message } = answer;
    if (transactions > 1 || reason === "hung" || reason === "ended") {
      // A part of it may be in force.
      confirmation?.made();
      throw new Trouble(`the change has failed, and may be made in part (kpc apply --dry-run shows it): ${message}`);
    }
    await confirmation?.giveUp();
    const isOutdated = reason === "missing" || reason === "exists";
    const hint = isOutdated ? "; they have changed since they were read: apply again" : "";
    throw new Trouble(`the kernel refuses the change, and the tables are as before${hint}: ${message}`);
  }
  confirmation?.made();
  const difference = await differenceReadBack(netfilter, wanted);
  if (difference === undefined)
    await say(flags, `applied in ${countOf(transactions, "transaction")}; read back: ${described(wanted)}`);
  else
    process.stderr.write(
      `kpc: read back, the tables differ from what was applied (${difference}): somebody else changes them\n`,
    );
  await writer.close();
  const end = await confirmation?.wait(flags);
  return difference !== undefined || end === "restored" ? EXIT.trouble : EXIT.fine;
}

/** What of the kernel's tables is not as wanted, in a few words: rules as nft lists them, elements by their digest. */
async function differenceReadBack(netfilter: Netfilter, { tables }: Wanted): Promise<string | undefined> {
  const rules = changesBetween(await readLiveRules(netfilter), withoutElements(tables));
  const [first] = planOf([], [], rules).structure;
  if (first !== undefined) return first;
  const [ours, kernels] = [digestOfTables(tables), await digestOfKernel(netfilter, tables)];
  return ours === kernels ? undefined : `digest of elements ${kernels}, wanted ${ours}`;
}

function described({ tables }: Wanted): string {
  if (tables.length === 0) return "kpc has no tables here";
  return `the kernel's tables are those of the inputs (digest ${digestOfTables(tables).split("/")[0]})`;
}

async function dryRun(writer: TableWriter, changes: readonly TableChange[], flags: ApplyFlags): Promise<number> {
  const answer = await writer.check(changes.map(printChange).join(""));
  if (answer.kind === "refused") throw new Trouble(`the kernel would refuse this change: ${answer.message}`);
  await say(flags, "the kernel would take this change; nothing is applied (--dry-run)");
  return EXIT.finding;
}

/** Asks on a terminal. Throws `Trouble` where nobody can be asked. */
async function isWanted({ yes }: ApplyFlags): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY)
    throw new Trouble("nothing is applied: --yes applies without a question, --dry-run shows the plan alone");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string>((resolve) => {
    // Ctrl-C and Ctrl-D close it without an answer.
    terminal.once("close", () => {
      process.stderr.write("\n");
      resolve("");
    });
    terminal.question("Apply? [y/N] ", (line) => {
      terminal.removeAllListeners("close").close();
      resolve(line);
    });
  });
  return /^y(es)?$/i.test(answer.trim());
}

async function say({ quiet }: CommonFlags, ...lines: readonly string[]): Promise<void> {
  if (quiet !== true) await print(lines.map((line) => `${line}\n`).join(""));
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
