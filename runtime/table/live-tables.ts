/** kpc's tables as they are in this machine's kernel. */
import { execFile } from "node:child_process";
import type { MapElement, SetElement, Table } from "../../compiler/ir/types.ts";
import { toolEnvironment } from "../kernel/namespace.ts";
import { Digest } from "./digest.ts";
import { bytesOfElement, bytesOfRaw, digestBytes, hasKnownBytes, readElement } from "./element-bytes.ts";
import { NetfilterTrouble, type NetlinkPort } from "./netfilter.ts";
import { chainsOf, dumpElements } from "./nf-tables.ts";

export type LiveFamily = "ip" | "ip6";

export const LIVE_FAMILIES: readonly LiveFamily[] = ["ip", "ip6"];

/** The name of kpc's table in each family. */
const TABLE = "kpc";

/** The tables with their elements, but for those that packets have left in sets; none of a family that has none. `wrapper`: a command that
 *  runs nft where the helper is. Throws `NetfilterTrouble`. */
export async function readLiveTables(netfilter: NetlinkPort, wrapper: readonly string[] = []): Promise<Table[]> {
  const tables: Table[] = [];
  for (const table of await readLiveRules(netfilter, wrapper)) {
    const { sets, maps } = table;
    tables.push({
      ...table,
      sets: await Promise.all(sets.map((set) => withElements(netfilter, table.family, set))),
      maps: await Promise.all(maps.map((map) => withElements(netfilter, table.family, map))),
    });
  }
  return tables;
}

/** The same without elements. */
export async function readLiveRules(
  netfilter: NetlinkPort,
  wrapper: readonly string[] = [],
): Promise<(Table & { readonly family: LiveFamily })[]> {
  const tables = [];
  for (const family of LIVE_FAMILIES) {
    const table = await readLiveTable(netfilter, family, wrapper);
    if (table !== undefined) tables.push({ ...table, family });
  }
  return tables;
}

async function readLiveTable(
  netfilter: NetlinkPort,
  family: LiveFamily,
  wrapper: readonly string[],
): Promise<Table | undefined> {
  if ((await chainsOf(netfilter, family, TABLE)) === undefined) return undefined;
  const text = await listTerse(family, wrapper);
  // An agent starts without it: the grammar takes a tenth of that time.
  const { readNft } = await import("../../compiler/formats/nft/read.ts");
  const program = readNft({ name: `${family} ${TABLE}`, text }, () => undefined);
  return program.ruleset.tables.find((each) => each.family === family && each.name === TABLE); // it may have gone meanwhile
}

async function withElements<Of extends Table["sets"][number] | Table["maps"][number]>(
  netfilter: NetlinkPort,
  family: LiveFamily,
  set: Of,
): Promise<Of> {
  const empty = { ...set, elements: [] };
  if (!hasKnownBytes(set)) return empty;
  const elements: (SetElement | MapElement)[] = [];
  const isThere = await dumpElements(
    netfilter,
    { family, table: TABLE, set: set.name },
    (raw) => elements.push(readElement(set, raw)),
    () => elements.splice(0),
  );
  return isThere ? { ...set, elements } : empty;
}

/** What `nft -t` prints of a table: all but elements, which it reads all the same. */
function listTerse(family: LiveFamily, wrapper: readonly string[]): Promise<string> {
  const [program = "nft", ...args] = [...wrapper, "nft", "-t", "list", "table", family, TABLE];
  return new Promise((resolve, reject) => {
    const options = { encoding: "utf8", maxBuffer: 1 << 28, env: { ...toolEnvironment(), LC_ALL: "C" } } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (/No such file or directory/.test(stderr)) resolve("");
      else
        reject(new NetfilterTrouble(`nft cannot list the table ${family} ${TABLE}: ${stderr.trim() || error.message}`));
    });
  });
}

/** What the elements of all sets of `tables` have in common with nothing else: equal for equal ones. */
export function digestOfTables(tables: readonly Table[]): string {
  const all = new Digest();
  for (const { family, name, sets, maps } of tables)
    for (const set of [...maps, ...sets].filter(hasKnownBytes)) {
      const digest = new Digest();
      for (const element of set.elements) digestBytes(digest, bytesOfElement(set, element));
      addSet(all, `${family} ${name} ${set.name}`, digest);
    }
  return all.toString();
}

/** The same of what the kernel holds in the sets that `tables` declare. Throws `NetfilterTrouble`. */
export async function digestOfKernel(netfilter: NetlinkPort, tables: readonly Table[]): Promise<string> {
  const all = new Digest();
  for (const { family, name, sets, maps } of tables)
    for (const set of [...maps, ...sets].filter(hasKnownBytes)) {
      let digest = new Digest();
      await dumpElements(
        netfilter,
        { family: family as LiveFamily, table: name, set: set.name },
        (raw) => void digestBytes(digest, bytesOfRaw(raw)),
        () => {
          digest = new Digest();
        },
      );
      addSet(all, `${family} ${name} ${set.name}`, digest);
    }
  return all.toString();
}

function addSet(all: Digest, name: string, digest: Digest): void {
  all.add(Buffer.from(name), Buffer.from(digest.toString()));
}
