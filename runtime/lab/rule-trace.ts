/** What the rules of a host in a lab do with a packet, as the kernel tells it. */
import { setTimeout as sleep } from "node:timers/promises";
import { type TracedTuple, tracingCommands } from "../../compiler/trace/live/arm.ts";
import { readTraceLine, type TraceEvent } from "../../compiler/trace/live/monitor.ts";
import { hasTraceListener } from "../kernel/live-trace.ts";
import type { PacketLab } from "./lab.ts";
import { LabTrouble } from "./lab-helper.ts";

const TABLE = "kpc-lab-trace";

/** How long nft may take to start. */
const PATIENCE_MS = 10_000;
const STEP_MS = 20;
/** nft has written all that it heard when it writes nothing more for that long. */
const QUIET_MS = 100;

/**
 * The events of the first packet of `tuple` that the rules of `host` meet while `use` runs; none: none came there. What asks the kernel for
 * them is gone afterwards. Throws LabTrouble.
 */
export async function traceRules(
  lab: PacketLab,
  host: string,
  tuple: TracedTuple,
  use: () => Promise<unknown>,
): Promise<readonly TraceEvent[]> {
  await lab.run(host, "nft -f -", `${tracingCommands(TABLE, tuple).join("\n")}\n`);
  // The lab has a /run of its own.
  const started = "file=$(mktemp -p /run); nft -a monitor trace < /dev/null > $file 2>&1 & echo $! $file";
  const [pid = "", file = ""] = (await lab.run(host, `${started}`)).trim().split(" ");
  try {
    await waitForListener(lab, host, file);
    await use();
    return firstPacket(await allIn(lab, host, file));
  } finally {
    await lab.run(host, `kill ${pid}; rm ${file}; nft delete table inet ${TABLE}`);
  }
}

async function waitForListener(lab: PacketLab, host: string, file: string): Promise<void> {
  for (let waited = 0; !hasTraceListener(await lab.run(host, "cat /proc/net/netlink")); waited += STEP_MS) {
    if (waited >= PATIENCE_MS)
      throw new LabTrouble(`${host}: nft monitor trace does not listen: ${await lab.run(host, `cat ${file}`)}`);
    await sleep(STEP_MS);
  }
}

async function allIn(lab: PacketLab, host: string, file: string): Promise<string> {
  let text = await lab.run(host, `cat ${file}`);
  for (let quiet = 0; quiet < QUIET_MS; quiet += STEP_MS) {
    await sleep(STEP_MS);
    const more = await lab.run(host, `cat ${file}`);
    if (more !== text) quiet = 0;
    text = more;
  }
  return text;
}

/** The events of the first packet; other identifiers are later packets of the connection. */
function firstPacket(text: string): TraceEvent[] {
  const events = text.split("\n").flatMap((line) => readTraceLine(line) ?? []);
  const id = events.find(({ kind }) => kind === "packet")?.id;
  return events.filter((event) => event.id === id && event.table !== TABLE);
}
