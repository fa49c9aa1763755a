/** A trace of a live host as people read it. */
import type { Packet } from "../../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { printAddressPort } from "../../net/address.ts";
import { type AddressNames, printNames } from "../names.ts";
import type { LiveComparison, LiveDestination, LiveRow } from "./compare.ts";

const LONGEST = 90;

/** The packet that was seen, each place that it was predicted to pass or that the kernel told of, and whether they are the same. */
export function renderLive(packet: Packet, comparison: LiveComparison, names: AddressNames): string {
  const { rows, isAsPredicted, predictedTo, observedTo } = comparison;
  const { protocol, source, sourcePort, destination, destinationPort, inInterface } = packet;
  const end = (address: Packet["source"], port: number): string => {
    const name = printNames(names.of({ address, port, protocol }));
    return `${port === 0 ? printAddressPort(address, port).replace(/:0$/, "") : printAddressPort(address, port)}${name === "" ? "" : ` (${name})`}`;
  };
  const entry = inInterface === undefined ? "sent by this host" : `came in by ${inInterface}`;
  const to = (label: string, destination: LiveDestination | undefined): string =>
    destination === undefined ? `${label} not translated` : `${label} to ${end(destination.address, destination.port)}`;
  return [
    `${PROTOCOL_NAMES.get(protocol) ?? protocol} ${end(source, sourcePort)} > ${end(destination, destinationPort)}, ${entry}`,
    "",
    ...(rows.length === 0 ? ["no rule decided, as predicted"] : liveRowLines(rows)),
    "",
    isAsPredicted
      ? `=> as predicted: ${to("sent", predictedTo ?? observedTo)}`
      : `=> not as predicted: ${to("predicted", predictedTo)}, ${to("seen", observedTo)}`,
    "",
  ].join("\n");
}

/** A line for each place, in columns. */
export function liveRowLines(rows: readonly LiveRow[]): string[] {
  const cells = rows.map((row) => cellsOf(row));
  const width = (column: number): number => Math.max(...cells.map((row) => row[column]?.length ?? 0), 0);
  const [chains, rules] = [width(1), width(2)];
  return cells.map(([mark = "", chain = "", rule = "", verdict = ""]) =>
    `${mark} ${chain.padEnd(chains)}  ${rule.padEnd(rules)}  ${verdict}`.trimEnd(),
  );
}

function cellsOf({ predicted, observed }: LiveRow): string[] {
  // The kernel names sets in a rule by their elements.
  const step = observed ?? predicted;
  const verdict =
    observed === undefined
      ? "predicted, not seen"
      : predicted === undefined
        ? `seen: ${observed.verdict}; not predicted`
        : `seen: ${observed.verdict}`;
  const mark = predicted === undefined || observed === undefined ? "!" : "=";
  const rule = (step?.rule ?? "").replace(/counter packets \d+ bytes \d+ ?/g, "").replace(/ {2,}/g, " ");
  return [mark, step?.chain ?? "", rule.length > LONGEST ? `${rule.slice(0, LONGEST)} …` : rule, verdict];
}
