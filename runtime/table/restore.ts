/** Puts kpc's tables back as they were. */

import { printFile } from "../../compiler/formats/nft/print-file.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { changesBetween, changeTables } from "./change-tables.ts";
import { LIVE_FAMILIES, readLiveTables } from "./live-tables.ts";
import type { Netfilter } from "./netfilter.ts";
import { TableWriter } from "./writer.ts";

/** Makes kpc's tables those of `text`, as nft lists them; what is no longer there then is removed. Gives what was done, in words. Does not
 *  throw: nobody is there to hear. */
export async function restoreTables(netfilter: Netfilter, text: string, limitMs: number): Promise<string> {
  const wanted = text === "" ? [] : [...readNft({ name: "before", text }, () => undefined).ruleset.tables];
  const writer = new TableWriter({ limitMs, isImpatient: true });
  try {
    const step = await restoreBySteps(netfilter, writer, wanted);
    if (step === undefined) return "the tables are as before";
    // Whatever stands in the way goes with the tables.
    const retired = LIVE_FAMILIES.map((family) => ({ family, name: "kpc" }));
    const answer = await writer.transact(printFile({ tables: [], retired }, []) + printFile({ tables: wanted }, []));
    if (answer.kind === "refused") return `the tables could not be restored: ${step}; ${answer.message}`;
    return "the tables were made anew, as before";
  } catch (error) {
    return `the tables could not be restored: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await writer.close();
  }
}

/** In place, so that connections and packets under way notice nothing; says what stands in the way of it. */
async function restoreBySteps(
  netfilter: Netfilter,
  writer: TableWriter,
  wanted: readonly Table[],
): Promise<string | undefined> {
  const changes = changesBetween(await readLiveTables(netfilter), wanted);
  const { answer } = await changeTables(writer, changes, wanted);
  if (answer.kind === "refused") return answer.message;
  const left = changesBetween(await readLiveTables(netfilter), wanted);
  return left.length === 0 ? undefined : "read back, they differ";
}
