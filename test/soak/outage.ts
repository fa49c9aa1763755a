/**
 * An agent whose API server is away for as long as one likes, in real time: first connections are cut, in the second half nothing is said. While it
 * is away the kernel's rules stay as they are, though objects change there. In the last tenth others flush the rules, and the agent repairs them. Then
 * the server is back, and what has changed meanwhile is done.
 *
 *   npm run soak:outage -- [--minutes 60] [--looks 5]
 *
 * `--looks`: seconds between two looks at the generation of the kernel's tables. It needs root, nft, perl and unshare. Exit code 1 when rules change
 * that should stay, and when they are not repaired.
 */
import { parseArgs } from "node:util";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { generationOf } from "../../runtime/table/nf-tables.ts";
import { endpointSlice, SHOP, serviceOf } from "../support/agent-objects.ts";
import { PROXY } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { differencesBesideSpares, LiveAgent } from "../support/live-agent.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, looks: { type: "string", default: "5" } },
});
const wholeMs = 60_000 * Number(values.minutes);
const lookMs = 1000 * Number(values.looks);

const live = await LiveAgent.start({ ...toConfig(PROXY), mode: "nftables" }, SHOP);
await live.agreed();
const netfilter = new Netfilter(live.namespace.wrapper);
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const begun = performance.now();
const passed = (): number => performance.now() - begun;
const tables = (): Promise<readonly Table[]> => readLiveTables(netfilter, live.namespace.wrapper);
const [before, { id }] = [await tables(), await generationOf(netfilter)];

let looks = 0;
let changed = 0;
async function staysUntil(end: number): Promise<void> {
  for (; passed() < end; looks++) {
    if ((await generationOf(netfilter)).id !== id) changed++;
    await wait(Math.min(lookMs, Math.max(0, end - passed())));
  }
}

live.api.away = "cut";
live.api.cutWatches();
live.put(endpointSlice("web", "10.180.0.8", "10.180.0.9"));
live.delete(serviceOf("api", "172.30.0.42"));
await staysUntil(wholeMs / 2);
live.api.away = "silent";
await staysUntil(0.9 * wholeMs);

let repaired = 0;
let left = 0;
for (; passed() < wholeMs; looks++) {
  live.nft("flush ruleset");
  await wait(Math.max(lookMs, 5000));
  const difference = differencesBesideSpares(await tables(), before);
  if (difference.length === 0) repaired++;
  else {
    left++;
    process.stdout.write(`not repaired:\n${difference.map(printChange).join("")}`);
  }
}

const asked = live.api.requests.length;
const minutes = (passed() / 60_000).toFixed(0);
live.api.away = undefined;
const back = performance.now();
// The agent may be within its longest wait for the next try.
await live.agreed(3000);
const followed = (performance.now() - back) / 1000;
netfilter.close();
await live.close();
process.stdout.write(
  `${minutes} minutes without the API server, asked ${asked} times: at ${looks} looks the rules had changed ${changed} times, ` +
    `${repaired} of ${repaired + left} flushes were repaired; ${followed.toFixed(1)} s after its return all changes were done\n`,
);
process.exitCode = changed === 0 && left === 0 && repaired > 0 ? 0 : 1;
