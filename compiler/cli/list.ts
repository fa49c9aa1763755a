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
  const isWanted = (service: string): boolean => wanted?.some((name) => isNamed(name, service)) ?? true;
  const served = servedFrontends({ ruleset: { tables: read.tables }, routes: [] }).filter(({ frontend }) =>
    isWanted(frontend.service),
  );
  if (flags.output === "json")
    await print(jsonText("Frontends", { frontends: served.map((each) => servedToData(each, read)) }));
  else await print(`${renderServed(served, read).join("\n")}\n`);
  const unserved = wanted?.filter((name) => !served.some(({ frontend }) => isNamed(name, frontend.service))) ?? [];
  if (unserved.length > 0)
    process.stderr.write(`kpc: not served on this node: Service ${unserved.join(", Service ")}\n`);
  return wanted !== undefined && served.length === 0 ? EXIT.finding : EXIT.fine;
}

/** Whether `name`, `NAMESPACE/NAME` or `NAME`, is that of the Service of a port `namespace/name:port`. */
function isNamed(name: string, port: string): boolean {
  const [whole = ""] = port.split(":");
  return name === whole || name === whole.split("/")[1];
}
