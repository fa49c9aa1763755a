/** What others have changed in rules of iptables, as far as the kernel tells: iptables-nft of each commit, iptables-legacy of the size of a table. */
import { TABLES } from "../../compiler/formats/iptables/hooks.ts";
import { CHAIN_PREFIX } from "../../compiler/formats/iptables/names.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { FAMILY } from "../table/nf-tables.ts";
import type { IptablesBackend, IptablesFamily } from "./iptables-host.ts";
import type { LocalKernel } from "./kernel.ts";

/** How the kernel is asked. */
export type ChangeSigns = Pick<LocalKernel, "generation" | "commitsAbout" | "legacySizes">;

/** Chains that others may have changed, by table. */
export type SuspectChains = ReadonlyMap<string, ReadonlySet<string>>;

export class OthersChanges {
  /** Changes of the agent, and those of others as far as they can be seen. */
  count = 0;
  private readonly backend: IptablesBackend | undefined;
  private readonly signs: ChangeSigns;
  private readonly suspects = new Map<IptablesFamily, Map<string, Set<string>>>();
  /** Families of which anything may have changed. */
  private readonly unknown = new Set<IptablesFamily>();

  /** iptables-nft: the number of the last commit that is counted. */
  private seen: number | undefined;
  /** Commits of the agent, from and to, and whether others made some, since they were last heard of. */
  private own: (readonly [from: number, to: number])[] = [];
  private haveOthersCommitted = false;

  /** iptables-legacy: by family, the tables that are watched, and their sizes. */
  private readonly sizes = new Map<IptablesFamily, { readonly tables: readonly string[]; readonly text: string }>();

  constructor(backend: IptablesBackend | undefined, signs: ChangeSigns) {
    this.backend = backend;
    this.signs = signs;
  }

  /** Takes notice of what others have done up to now. */
  async notice(): Promise<void> {
    for (const family of this.sizes.keys()) await this.compareSizes(family);
    if (this.backend !== "nft") return;
    await this.countOthers();
    const { isComplete, commits } = await this.signs.commitsAbout(CHAIN_PREFIX);
    // Others may have committed what was told before it could be heard.
    if (!isComplete) await this.countOthers();
    const isOwn = (id: number): boolean => this.own.some(([from, to]) => from <= id && id <= to);
    const others = isComplete ? commits.filter(({ id }) => !isOwn(id)) : [];
    for (const { family, table, chain } of others.flatMap(({ chains }) => chains)) this.suspect(family, table, chain);
    // The kernel counts a commit before it tells of it.
    if (others.length > 0 && !this.haveOthersCommitted) this.count++;
    if (this.haveOthersCommitted && !isComplete) this.suspectAll(["ip", "ip6"]);
    this.own = [];
    this.haveOthersCommitted = false;
  }

  /** Begins to look at the sizes of `tables` of a family, where these tell of changes. */
  async watch(family: IptablesFamily, tables: readonly string[]): Promise<void> {
    if (this.backend === "legacy" && !this.sizes.has(family)) await this.noteSizes(family, tables);
  }

  /** Makes a change of the agent that comes to `commits`, in `tables` of a family. `isLarge`: the kernel had better not tell of it. */
  async during(
    family: IptablesFamily,
    tables: readonly string[],
    { commits, isLarge }: { readonly commits: number; readonly isLarge: boolean },
    change: () => Promise<TransactionAnswer>,
  ): Promise<TransactionAnswer> {
    await this.compareSizes(family);
    if (this.backend !== "nft") {
      const answer = await change();
      if (this.backend === "legacy") await this.noteSizes(family, tables);
      return answer;
    }
    await this.notice();
    if (isLarge) await this.signs.commitsAbout("");
    const before = this.seen ?? 0;
    const answer = await change();
    const after = await this.signs.generation();
    // Where a change was refused, as many commits as it was to make may be those of others.
    const own = answer.kind === "done" ? commits : 0;
    if (after === before + own) this.own.push([before + 1, after]);
    else this.countOther();
    this.seen = after;
    return answer;
  }

  /** Chains of a family that others may have changed; "all": they may have changed any; undefined: they have changed none. */
  of(family: IptablesFamily): SuspectChains | "all" | undefined {
    return this.unknown.has(family) ? "all" : this.suspects.get(family);
  }

  /** All of a family is known. */
  forget(family: IptablesFamily): void {
    this.suspects.delete(family);
    this.unknown.delete(family);
  }

  private suspectAll(families: readonly IptablesFamily[]): void {
    for (const family of families) this.unknown.add(family);
  }

  private suspect(number: number, table: string, chain: string): void {
    const family = (["ip", "ip6"] as const).find((each) => FAMILY[each] === number);
    if (family === undefined || !TABLES.some((each) => each === table)) return; // it is none of iptables
    const tables = this.suspects.get(family) ?? new Map<string, Set<string>>();
    this.suspects.set(family, tables);
    tables.set(table, (tables.get(table) ?? new Set()).add(chain));
  }

  private countOther(): void {
    this.count++;
    this.haveOthersCommitted = true;
  }

  private async countOthers(): Promise<void> {
    const now = await this.signs.generation();
    if (this.seen !== undefined && this.seen !== now) this.countOther();
    this.seen = now;
  }

  private async noteSizes(family: IptablesFamily, tables: readonly string[]): Promise<void> {
    const text = await this.sizesOf(family, tables);
    if (text === undefined) this.sizes.delete(family);
    else this.sizes.set(family, { tables, text });
  }

  private async compareSizes(family: IptablesFamily): Promise<void> {
    const known = this.sizes.get(family);
    if (known === undefined) return;
    const text = await this.sizesOf(family, known.tables);
    if (text === known.text) return;
    this.count++;
    this.suspectAll([family]);
    await this.noteSizes(family, known.tables);
  }

  /** Undefined: they cannot be told. */
  private async sizesOf(family: IptablesFamily, tables: readonly string[]): Promise<string | undefined> {
    return (await this.signs.legacySizes(tables.map((table) => `${family} ${table}`)))?.join("\n");
  }
}
