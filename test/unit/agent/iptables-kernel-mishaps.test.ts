/** Whatever is wanted, refused and done by others, in any order: the rules of iptables are right in the end, and those of others as they left them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { unreachable } from "../../../compiler/invariant.ts";
import { IPTABLES_BACKENDS, IPTABLES_FAMILIES, type IptablesFamily } from "../../../runtime/agent/iptables-host.ts";
import type { IptablesKernel } from "../../../runtime/agent/iptables-kernel.ts";
import type { FakeIptables } from "../../support/fake-iptables.ts";
import { startedIptables, theirLines } from "../../support/iptables-world.ts";
import { runs } from "../../support/runs.ts";
import type { ChainTexts } from "../../support/wanted-chains.ts";

interface Edit {
  readonly family: IptablesFamily;
  readonly table: string;
  readonly what: "empty" | "insert" | "delete" | "unlead" | "lead" | "remove" | "add" | "own";
  /** Which chain. */
  readonly n: number;
}

type Mishap =
  | { readonly kind: "want"; readonly family: IptablesFamily; readonly table: string; readonly rules: number[][] }
  | { readonly kind: "clear"; readonly family: IptablesFamily }
  | { readonly kind: "edit" | "meanwhile"; readonly edit: Edit }
  | { readonly kind: "refuse"; readonly after: number }
  | { readonly kind: "lose" | "change" | "look" };

const FAMILY = fc.constantFrom(...IPTABLES_FAMILIES);
const TABLE = fc.constantFrom("nat", "nat", "filter");
const EDIT = fc.record({
  family: FAMILY,
  table: TABLE,
  what: fc.constantFrom<Edit["what"]>("empty", "insert", "delete", "unlead", "lead", "remove", "add", "own"),
  n: fc.nat(5),
});
const RULES = fc.array(fc.array(fc.nat(4), { maxLength: 3 }), { minLength: 4, maxLength: 4 });

const MISHAP: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("want"), family: FAMILY, table: TABLE, rules: RULES }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear"), family: FAMILY }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("edit", "edit", "meanwhile"), edit: EDIT }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuse"), after: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("change", "change", "look", "look", "lose") }) },
);

const NAMES = ["KPC-NAT-OUTPUT", "KPC-a", "KPC-b", "KPC-c"] as const;

/** Chains that lead to later ones, by numbers for their rules: those that packets come to. */
function chainsOf(rules: readonly (readonly number[])[]): ChainTexts {
  const texts: Record<string, readonly string[]> = {};
  const add = (at: number): void => {
    const name = NAMES[at];
    if (name === undefined || name in texts) return;
    texts[name] = (rules[at] ?? []).map((n) => {
      const target = NAMES[at + 1 + n];
      return target === undefined ? `-p udp -m comment --comment c${n} -j ACCEPT` : `-p tcp -j ${target}`;
    });
    for (const n of rules[at] ?? []) add(at + 1 + n);
  };
  add(0);
  return texts;
}

/** For iptables-restore; undefined: there is nothing that could be changed so. */
function textOf(host: FakeIptables, { family, table, what, n }: Edit): string | undefined {
  const lines = host.read(family).split(`*${table}\n`)[1]?.split("COMMIT")[0]?.split("\n") ?? [];
  const chains = lines.flatMap((line) => /^:(KPC-\S+)/.exec(line)?.[1] ?? []);
  const jumps = lines.filter((line) => /^-A (OUTPUT|theirs) -j KPC-/.test(line));
  const chain = chains[n % chains.length];
  const pick = (list: readonly string[]): string[] => list.slice(n % (list.length || 1)).slice(0, 1);
  const deleted = (rules: readonly string[]): string[] => rules.map((rule) => rule.replace("-A", "-D"));
  const ofChain = (...some: readonly string[]): readonly string[] => (chain === undefined ? [] : some);
  const commandsOf = (): readonly string[] => {
    switch (what) {
      case "empty":
        return ofChain(`-F ${chain}`);
      case "insert":
        return ofChain(`-I ${chain} -p icmp -j DROP`);
      case "delete":
        return deleted(pick(lines.filter((line) => line.startsWith("-A KPC-"))));
      case "unlead":
        return deleted(pick(jumps));
      case "lead":
        return ofChain(`-A ${n % 2 === 0 ? "OUTPUT" : "theirs"} -j ${chain}`);
      case "remove":
        return [...deleted(jumps), ...chains.map((name) => `-F ${name}`), ...chains.map((name) => `-X ${name}`)];
      case "add":
        return [`:KPC-more${n} - [0:0]`, `-A KPC-more${n} -j DROP`, ...ofChain(`-A ${chain} -j KPC-more${n}`)];
      default:
        return what === "own" ? ["-A theirs -p tcp -j ACCEPT"] : unreachable(what);
    }
  };
  const commands = commandsOf();
  return commands.length === 0 ? undefined : `*${table}\n${[...commands, "COMMIT", ""].join("\n")}`;
}

/** What an agent does with what writes its rules. */
class Driver {
  private readonly kernel: IptablesKernel;
  private known = 0;

  constructor(kernel: IptablesKernel) {
    this.kernel = kernel;
  }

  async restore(): Promise<void> {
    for (;;) {
      const before = await this.kernel.generation();
      const { answer, transactions } = await this.kernel.restore();
      this.known = await this.kernel.generation();
      if (answer.kind === "done" && this.known === before + transactions) return;
    }
  }

  async change(): Promise<void> {
    const answer = await this.kernel.change();
    this.known++;
    if (answer.kind === "refused" || (await this.kernel.generation()) !== this.known) await this.restore();
  }

  async look(): Promise<void> {
    const now = await this.kernel.generation();
    if (now === this.known) return;
    this.known = now;
    const others = await this.kernel.changedByOthers();
    if (others.kind === "differs") await this.restore();
    if (others.kind === "unknown") await this.compare();
  }

  async compare(): Promise<void> {
    if ((await this.kernel.drifted()) !== undefined) await this.restore();
  }
}

test.each(IPTABLES_BACKENDS)("iptables-%s", async (backend) => {
  const law = async (mishaps: readonly Mishap[]): Promise<void> => {
    const { host, kernel, wanted } = await startedIptables(backend);
    for (const family of IPTABLES_FAMILIES) host.others(family, "*filter\n:theirs - [0:0]\nCOMMIT\n");
    const driver = new Driver(kernel);
    await driver.restore();
    const right = async (): Promise<void> => {
      const before = theirLines(host);
      await driver.look();
      // A table may be as large as before.
      if (backend === "legacy") await driver.compare();
      expect(wanted.differenceTo(host)).toBe("");
      expect(theirLines(host)).toEqual(before);
    };
    const edit = (how: Edit): void => {
      const text = textOf(host, how);
      if (text !== undefined) host.run(how.family, text);
    };
    for (const mishap of mishaps) {
      switch (mishap.kind) {
        case "want":
          wanted.set(mishap.family, mishap.table, chainsOf(mishap.rules), ["OUTPUT -j KPC-NAT-OUTPUT"]);
          break;
        case "clear":
          wanted.clear(mishap.family);
          break;
        case "edit":
          edit(mishap.edit);
          break;
        case "meanwhile":
          if (!["add", "own"].includes(mishap.edit.what)) host.meanwhile = () => edit(mishap.edit);
          break;
        case "refuse":
          host.answers.push({ kind: "dies", after: mishap.after });
          break;
        case "lose":
          host.lose();
          break;
        case "change":
          await driver.change();
          break;
        default:
          await driver.change();
          await right();
      }
    }
    host.meanwhile = undefined;
    await driver.change();
    await right();
    // All of it is known.
    const commits = await host.generation();
    await driver.restore();
    expect(await host.generation()).toBe(commits);
  };
  await fc.assert(fc.asyncProperty(fc.array(MISHAP, { maxLength: 30 }), law), { numRuns: runs(2400) });
});
