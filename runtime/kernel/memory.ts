/** Session affinity as the kernel keeps it: which clients are remembered, and for how long. */
import { findAffinity } from "../../compiler/formats/iptables/affinity.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Prober } from "./prober.ts";
import type { KernelBackend, KernelRules } from "./rules.ts";

/** What the kernel remembers of one client. */
export interface Remembered {
  readonly client: Address;
  readonly timeoutSeconds: number;
}

/** The memory of `program`, which is loaded as `rules`. */
export function readMemory(prober: Prober, rules: KernelRules, program: Program): Promise<Remembered[]> {
  return rules.kind === "nft" ? readSets(prober, dynamicSets(program)) : readRecent(prober, rules.backend);
}

// --- nft: sets that rules fill --------------------------------------------------------------------------------------------

/** `FAMILY TABLE SET` of the sets that rules fill. */
function dynamicSets({ ruleset }: Program): string[] {
  return ruleset.tables.flatMap(({ family, name, sets }) =>
    sets.flatMap((set) => (set.dynamic === undefined ? [] : [`${family} ${name} ${set.name}`])),
  );
}

/** As `nft -j` lists a set and its elements. An element that lives as long as the set says does not say so itself. */
interface Listing {
  readonly nftables: readonly {
    readonly set?: { readonly timeout?: number; readonly elem?: readonly ListedElement[] };
  }[];
}

interface ListedElement {
  readonly elem?: { readonly val: { readonly concat: readonly unknown[] } | string; readonly timeout?: number };
}

async function readSets(prober: Prober, sets: readonly string[]): Promise<Remembered[]> {
  const listings = await Promise.all(sets.map((set) => prober.run(`nft -j list set ${set}`)));
  return listings.flatMap((text) =>
    (JSON.parse(text) as Listing).nftables.flatMap(({ set }) =>
      (set?.elem ?? []).flatMap(({ elem }) => {
        const key = typeof elem?.val === "object" ? elem.val.concat[0] : elem?.val;
        return rememberedFor(String(key), elem?.timeout ?? set?.timeout);
      }),
    ),
  );
}

function rememberedFor(text: string, timeoutSeconds: number | undefined): Remembered[] {
  const client = parseAddress(text);
  return client === undefined || timeoutSeconds === undefined ? [] : [{ client, timeoutSeconds }];
}

// --- iptables: the lists of `recent` --------------------------------------------------------------------------------------

async function readRecent(prober: Prober, backend: KernelBackend): Promise<Remembered[]> {
  // iptables-legacy-save reads a file that only root can read.
  const tools = [`iptables-${backend}`, `ip6tables-${backend}`].join(" ");
  const saved = await prober.run(
    `for tool in ${tools}; do for table in nat mangle filter; do $tool -t $table -S; done; done`,
  );
  const seconds = findAffinity(saved);
  const lists = await prober.run("grep -H src= /proc/self/net/xt_recent/* || true");
  return lists.split("\n").flatMap((line) => {
    const [, name, text = ""] = /^\S*\/([^/:]+):src=(\S+)/.exec(line) ?? [];
    return rememberedFor(text, seconds.get(name ?? ""));
  });
}
