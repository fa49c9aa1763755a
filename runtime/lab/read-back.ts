/** What a host of a lab is now, as its own commands tell: it may have been changed. */
import type { Source } from "../../compiler/diagnostics.ts";
import { COLLECT_SCRIPT } from "../../compiler/hostfiles/collect.ts";
import { readHostFiles } from "../../compiler/hostfiles/host.ts";
import type { Host } from "../../compiler/network/network.ts";
import type { PacketLab } from "./lab.ts";
import { LabTrouble } from "./lab-helper.ts";

export interface ReadBack {
  /** `host`, with the interfaces, routes and settings that it has now. */
  readonly host: Host;
  /** Its rules, as nft or iptables list them. */
  readonly rules: readonly Source[];
}

/** A folder of its own, which goes away with the files. */
const SCRIPT = `folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && sh -s "$folder" <<'END'
${COLLECT_SCRIPT}
END
cd "$folder" && for file in *; do echo "@@file $file"; cat "$file"; done`;

/** The files that a node's user would collect there, by name. */
export async function collectFrom(lab: PacketLab, host: string): Promise<Source[]> {
  const text = await lab.run(host, "sh", SCRIPT);
  const [before = "", ...files] = text.split(/^@@file /m);
  if (before.trim() !== "") throw new LabTrouble(`${host}: ${before.trim()}`);
  return files.map((file) => {
    const end = file.indexOf("\n");
    return { name: `${host}: ${file.slice(0, end)}`, text: file.slice(end + 1) };
  });
}

/** Throws LabTrouble where the host cannot be read. */
export async function readBack(lab: PacketLab, host: Host): Promise<ReadBack> {
  const complaints: string[] = [];
  const read = readHostFiles(host.name, await collectFrom(lab, host.name), ({ severity, message }) => {
    if (severity === "error") complaints.push(message);
  });
  if (read.host === undefined) throw new LabTrouble(`${host.name} cannot be read: ${complaints.join("; ")}`);
  const { interfaces, routing, bridgeNetfilter } = read.host;
  return { host: { ...host, interfaces, routing, bridgeNetfilter }, rules: read.rules };
}
