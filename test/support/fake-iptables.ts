/** iptables as far as the agent needs it, in memory: the chains and rules that texts for iptables-restore make, and what the kernel tells of them.
 *  `long/fake-iptables` holds it against the real ones. Chains that lead to themselves are not refused. */
import { BUILT_IN_CHAINS, TABLES } from "../../compiler/formats/iptables/hooks.ts";
import type { IptablesBackend, IptablesFamily, IptablesHost } from "../../runtime/agent/iptables-host.ts";
import type { BesideIptables } from "../../runtime/agent/iptables-kernel.ts";
import type { RefusalReason, TransactionAnswer } from "../../runtime/table/answers.ts";
import { type HeardChain, type HeardCommits, NetfilterTrouble } from "../../runtime/table/netfilter.ts";
import { FAMILY, type NfFamily } from "../../runtime/table/nf-tables.ts";

/** By name, rules as lines that begin with `-A`. */
type Chains = Map<string, readonly string[]>;

/** A message of the kernel: its chain, and words that are in it. */
interface Message extends HeardChain {
  readonly words: string;
}

/** What others do with nft, and iptables cannot read. */
const UNREADABLE = "a rule of nft";

/** A line that iptables refuses. One backend tells why. */
class Refused extends Error {
  readonly reason: RefusalReason;
  readonly toldBy: IptablesBackend | undefined;

  constructor(message: string, reason: RefusalReason = "invalid", toldBy?: IptablesBackend) {
    super(message);
    this.reason = reason;
    this.toldBy = toldBy;
  }
}

export class FakeIptables implements IptablesHost, BesideIptables {
  readonly backend: IptablesBackend;
  readonly families: readonly IptablesFamily[];
  /** Of the agent: what each iptables-restore was given, behind its family. */
  readonly given: string[] = [];
  /** What was asked for: families for iptables-save, and chains that were listed. */
  readonly saved: IptablesFamily[] = [];
  readonly listed: string[] = [];
  /** What the next texts of the agent end with; a number: after so many tables. */
  readonly answers: (TransactionAnswer | { readonly kind: "dies"; readonly after: number })[] = [];
  /** Is called before the agent's next text is read, or what is there is told. */
  meanwhile: (() => void) | undefined;
  /** Whether nothing can be read. */
  cannotRead = false;
  /** Whether sizes of tables of iptables-legacy can be told. */
  hasSizes = true;
  /** How often sizes were asked for, and whether the kernel is listened to. */
  sizesAsked = 0;
  isListening = false;
  isClosed = false;
  /** By `family table`. */
  private readonly tables = new Map<string, Chains>();
  /** Commits to nf_tables, of whomever. */
  private commits = 0;
  private heard: { readonly id: number; readonly messages: readonly Message[] }[] = [];
  private isLost = false;

  constructor(backend: IptablesBackend, families: readonly IptablesFamily[] = ["ip", "ip6"]) {
    this.backend = backend;
    this.families = families;
  }

  // --- what the agent asks -------------------------------------------------------------------------------------------------

  save(family: IptablesFamily): Promise<string> {
    this.saved.push(family);
    this.interrupt();
    return this.cannotRead ? Promise.reject(OUT_OF_MEMORY) : attempt(() => this.read(family));
  }

  list(family: IptablesFamily, table: string, chain: string): Promise<string | undefined> {
    this.listed.push(`${family} ${table} ${chain}`);
    if (this.cannotRead) return Promise.reject(OUT_OF_MEMORY);
    const rules = this.opened(family, table).get(chain);
    if (rules === undefined || rules.includes(UNREADABLE)) return Promise.resolve(undefined);
    const head = isBuiltIn(table, chain) ? `-P ${chain} ACCEPT` : `-N ${chain}`;
    return Promise.resolve([head, ...rules, ""].join("\n"));
  }

  restore(family: IptablesFamily, text: string): Promise<TransactionAnswer> {
    this.given.push(`${family}\n${text}`);
    this.interrupt();
    const answer = this.answers.shift() ?? { kind: "done" };
    if (answer.kind === "refused") return Promise.resolve(answer);
    if (answer.kind === "done") return Promise.resolve(this.run(family, text));
    const sections = text.split(/(?<=^COMMIT\n)/m).slice(0, answer.after);
    const ended = this.run(family, sections.join(""));
    return Promise.resolve(ended.kind === "done" ? { kind: "refused", reason: "ended", message: "killed" } : ended);
  }

  generation(): Promise<number> {
    return Promise.resolve(this.commits);
  }

  commitsAbout(word: string): Promise<HeardCommits> {
    const isComplete = word === "" || (this.isListening && !this.isLost);
    const commits = this.heard.map(({ id, messages }) => ({ id, chains: heardChains(messages, word) }));
    this.heard = [];
    this.isLost = false;
    this.isListening = word !== "";
    return Promise.resolve({ isComplete, commits: commits.filter(({ chains }) => word !== "" && chains.length > 0) });
  }

  legacySizes(tables: readonly string[]): Promise<readonly string[] | undefined> {
    this.sizesAsked++;
    if (!this.hasSizes) return Promise.resolve(undefined);
    return Promise.resolve(
      tables.map((name) => {
        const [family, table = ""] = name.split(" ");
        const chains = this.opened(family as IptablesFamily, table);
        return `${chains.size} ${[...chains.values()].flat().join("\n").length}`;
      }),
    );
  }

  hasChain(family: NfFamily, table: string, chain: string): Promise<boolean> {
    return Promise.resolve(this.backend === "nft" && this.tables.get(`${family} ${table}`)?.has(chain) === true);
  }

  forgetConnections(frontends: readonly unknown[]): Promise<number> {
    return Promise.resolve(frontends.length);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  // --- what others do ------------------------------------------------------------------------------------------------------

  /** Gives a text to iptables-restore. Throws where that refuses it. */
  others(family: IptablesFamily, text: string): void {
    const answer = this.run(family, text);
    if (answer.kind === "refused") throw new Error(answer.message);
  }

  /** Adds a rule with nft that iptables cannot read. */
  addUnreadable(family: IptablesFamily, table: string, chain: string): void {
    const chains = this.opened(family, table);
    this.tables.set(`${family} ${table}`, chains);
    chains.set(chain, [...(chains.get(chain) ?? []), UNREADABLE]);
    this.commit([{ family: FAMILY[family], table, chain, words: chain }]);
  }

  /** Commits something to nf_tables that is none of iptables. */
  commitOther(): void {
    this.commit([{ family: FAMILY["ip"], table: "theirs", chain: "input", words: "input" }]);
  }

  /** The kernel tells more than there is room for. */
  lose(): void {
    this.heard = [];
    this.isLost = true;
  }

  /** What iptables-save prints. Throws `NetfilterTrouble` where it cannot. */
  read(family: IptablesFamily): string {
    const texts = TABLES.map((table) => {
      const chains = this.tables.get(`${family} ${table}`);
      if (chains === undefined) return "";
      if ([...chains.values()].flat().includes(UNREADABLE))
        throw new NetfilterTrouble(`Table \`${table}' is incompatible, use 'nft' tool.`);
      const builtIn = BUILT_IN_CHAINS[table].map(({ name }) => name);
      const own = [...chains.keys()].filter((name) => !isBuiltIn(table, name)).sort();
      const heads = [...builtIn.map((name) => `:${name} ACCEPT [0:0]`), ...own.map((name) => `:${name} - [0:0]`)];
      const rules = [...builtIn, ...own].flatMap((name) => chains.get(name) ?? []);
      return [`*${table}`, ...heads, ...rules, "COMMIT", ""].join("\n");
    });
    return texts.join("");
  }

  // --- texts ---------------------------------------------------------------------------------------------------------------

  /** As iptables-restore --noflush takes a text, of whomever. */
  run(family: IptablesFamily, text: string): TransactionAnswer {
    let table = "";
    let chains: Chains = new Map();
    let messages: Message[] = [];
    const tell = (chain: string, words: string): void =>
      void messages.push({ family: FAMILY[family], table, chain, words });
    for (const [number, line] of text.split("\n").entries()) {
      if (line === "") continue;
      if (line.startsWith("*")) {
        table = line.slice(1);
        chains = new Map(this.opened(family, table));
        messages = [];
      } else if (line === "COMMIT") {
        this.tables.set(`${family} ${table}`, chains);
        if (this.backend === "nft") this.commit(messages);
      } else {
        try {
          apply(line, table, chains, tell);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          // As the words of each backend are understood.
          const reason = this.backend === error.toldBy ? error.reason : "invalid";
          return { kind: "refused", reason, message: `line ${number + 1} failed: ${error.message}` };
        }
      }
    }
    return { kind: "done" };
  }

  /** A table of iptables-legacy is there when somebody asks for it, one of iptables-nft when something is written there. */
  private opened(family: IptablesFamily, table: string): Chains {
    const known = this.tables.get(`${family} ${table}`);
    if (known !== undefined) return known;
    const found = TABLES.find((each) => each === table);
    const made: Chains = new Map((found === undefined ? [] : BUILT_IN_CHAINS[found]).map(({ name }) => [name, []]));
    if (this.backend === "legacy") this.tables.set(`${family} ${table}`, made);
    return made;
  }

  private commit(messages: readonly Message[]): void {
    const id = ++this.commits;
    if (this.isListening) this.heard.push({ id, messages });
  }

  private interrupt(): void {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
  }
}

const OUT_OF_MEMORY = new NetfilterTrouble("out of memory");
const NO_CHAIN = "No chain/target/match by that name.";

/** One line of a table. Rules that are deleted are found by their text. */
function apply(line: string, table: string, chains: Chains, tell: (chain: string, words: string) => void): void {
  const [, command = "", name = "", rest = ""] = /^(:|-\w) ?(\S+)(.*)$/.exec(line) ?? [];
  const rule = `-A ${name}${rest}`;
  const rules = chains.get(name);
  const drop = (dropped: readonly string[]): void => {
    for (const each of dropped) tell(name, each);
  };
  if (command === ":") {
    if (isBuiltIn(table, name)) throw new Error("policies are not kept");
    drop(rules ?? []);
    tell(name, name);
    chains.set(name, []);
    return;
  }
  if (rules === undefined) throw new Refused(NO_CHAIN);
  switch (command) {
    case "-A":
    case "-I":
    case "-D": {
      const target = targetOf(rule);
      if (target !== undefined && !/^[A-Z]+$/.test(target) && !chains.has(target))
        throw new Refused(`Chain '${target}' does not exist`, "missing", "legacy");
      const at = rules.indexOf(rule);
      if (command === "-D" && at < 0) throw new Refused("Bad rule (does a matching rule exist in that chain?).");
      if (command === "-A") chains.set(name, [...rules, rule]);
      else if (command === "-I") chains.set(name, [rule, ...rules]);
      else chains.set(name, rules.toSpliced(at, 1));
      tell(name, rule);
      return;
    }
    case "-F":
      drop(rules);
      chains.set(name, []);
      return;
    case "-X": {
      const isLedTo = [...chains.values()].flat().some((each) => targetOf(each) === name);
      if (rules.length > 0 || isLedTo) throw new Refused("Device or resource busy", "busy", "nft");
      tell(name, name);
      chains.delete(name);
      return;
    }
    default:
      throw new Error(`not kept: ${line}`);
  }
}

function targetOf(rule: string): string | undefined {
  return / -[jg] (\S+)/.exec(rule)?.[1];
}

function isBuiltIn(table: string, chain: string): boolean {
  return TABLES.some((each) => each === table && BUILT_IN_CHAINS[each].some(({ name }) => name === chain));
}

/** The chains that messages with `word` are about, each once. */
function heardChains(messages: readonly Message[], word: string): readonly HeardChain[] {
  const found = new Map<string, HeardChain>();
  for (const { family, table, chain, words } of messages)
    if (words.includes(word)) found.set(`${family} ${table} ${chain}`, { family, table, chain });
  return [...found.keys()].sort().flatMap((key) => found.get(key) ?? []);
}

async function attempt<T>(work: () => T): Promise<T> {
  return await Promise.resolve().then(work);
}
