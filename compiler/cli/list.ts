/** `kpc list`: the frontends of Services on one node, and where each leads. */
import { jsonText } from "../json-output.ts";
import { renderServed, servedToData } from "../verify/services/render-served.ts";
import { servedFrontends } from "../verify/services/served-frontends.ts";
import { type NodeTablesFlags, tablesOfNode } from "./node-tables.ts";
import { EXIT, print } from "./session.ts";

export interface ListFlags extends NodeTablesFlags {
  readonly output: "text" | "json";
  /** Services, `NAMESPACE/NAME` or `NAME`. */
  readonly service?: string;
}

/** Exit code 1 where none of the Services that are asked for is served. */
export async function listCommand(names: readonly string[], flags: ListFlags): Promise<number> {
  const read = await tablesOfNode(names, flags);
  if (typeof read === "number") return read;
  const wanted = flags.service?.split(",");
  const isWanted = (service: string): boolean => {
    const [whole = ""] = service.split(":");
    return wanted === undefined || wanted.includes(whole) || wanted.includes(whole.split("/")[1] ?? "");
  };
  const served = servedFrontends({ ruleset: { tables: read.tables }, routes: [] }).filter(({ frontend }) =>
    isWanted(frontend.service),
  );
  if (flags.output === "json")
    await print(jsonText("Frontends", { frontends: served.map((each) => servedToData(each, read.pods)) }));
  else await print(`${renderServed(served, read.pods).join("\n")}\n`);
  return wanted !== undefined && served.length === 0 ? EXIT.finding : EXIT.fine;
}
