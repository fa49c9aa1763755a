/** `kpc whatis ADDRESS[:PORT]` and `kpc whatis CHAIN`: what kpc's tables have to do with it. */
import { nearest } from "../documents/nearest.ts";
import type { Program } from "../ir/types.ts";
import { parseAddress } from "../net/address.ts";
import { parsePort } from "../net/port.ts";
import { chainNamesIn, explainAddress, explainChain } from "../verify/services/explain.ts";
import { type NodeTablesFlags, tablesOfNode } from "./node-tables.ts";
import { EXIT, print } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Exit code 1 where kpc's tables have nothing to do with the address. Throws `Trouble` where there is no such chain. */
export async function whatisInRules(text: string, names: readonly string[], flags: NodeTablesFlags): Promise<number> {
  const end = parseEnd(text);
  const read = await tablesOfNode(names, flags);
  if (typeof read === "number") return read;
  const program: Program = { ruleset: { tables: read.tables }, routes: [] };
  if (end === undefined) {
    const lines = explainChain(program, text);
    if (lines.length === 0) {
      const near = nearest(text, chainNamesIn(program));
      throw new Trouble(
        `expected a URL, an address, ADDRESS:PORT or a chain of kpc's tables, found ${JSON.stringify(text)}${near === undefined ? "" : `; a chain of nearly that name: ${near}`}`,
      );
    }
    await print(`${lines.join("\n")}\n`);
    return EXIT.fine;
  }
  const lines = explainAddress(program, end.address, end.port, read);
  if (lines === undefined) {
    await print(`kpc's tables have nothing to do with ${text}\n`);
    return EXIT.finding;
  }
  await print(`${lines.join("\n")}\n`);
  return EXIT.fine;
}

/** `10.96.0.10`, `10.96.0.10:80`, `fd00::1`, `[fd00::1]:80`; undefined: neither. Throws `Trouble` for a port that is none. */
function parseEnd(text: string) {
  const whole = parseAddress(text.replace(/^\[(.*)\]$/, "$1"));
  if (whole !== undefined) return { address: whole, port: undefined };
  const [, bracketed, plain, number = ""] = /^(?:\[(.*)\]|([0-9.]+)):(.*)$/.exec(text) ?? [];
  const address = parseAddress(bracketed ?? plain ?? "");
  if (address === undefined) return undefined;
  const port = parsePort(number);
  if (port === undefined) throw new Trouble(`expected a port from 1 to 65535, found ${JSON.stringify(number)}`);
  return { address, port };
}
