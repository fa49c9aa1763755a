/**
 * A HAProxy that is updated while clients ask it: endpoints, Services, paths, hosts and certificates change at random.
 *
 *   npm run soak:ingress-updates -- [--updates 1000] [--clients 8] [--spares 50] [--seed N]
 *
 * Each answer has to come from the backend that serves the URL before or after the updates that were made while the client waited, and from
 * an endpoint that it has before or after. In the end HAProxy has the rows and servers that its files have.
 *
 * Needs HAProxy, and what kernel tests need. Exit code 1 when an answer is wrong or missing: it is printed.
 */
import { parseArgs } from "node:util";
import { haproxyMissing } from "../support/haproxy.ts";
import { serversOf, updateHaproxy } from "../support/ingress-updates.ts";

const { values } = parseArgs({
  options: {
    updates: { type: "string", default: "1000" },
    clients: { type: "string", default: "8" },
    spares: { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
if (haproxyMissing !== undefined) process.exit(1);

const seed = Number(values.seed);
const { counts, reloads, wrong, runs, disk } = await updateHaproxy({
  updates: Number(values.updates),
  clients: Number(values.clients),
  seed,
  spares: Number(values.spares),
});
for (const each of wrong.slice(0, 20)) console.log(`wrong: ${each}`);
const isSame =
  JSON.stringify(runs.maps) === JSON.stringify(disk.maps) &&
  JSON.stringify(runs.servers) === JSON.stringify(serversOf(disk.config));
if (!isSame) console.log("HAProxy has other rows or servers than its files");
const causes = new Map<string, number>();
for (const because of reloads) causes.set(because, (causes.get(because) ?? 0) + 1);
for (const [because, count] of causes) console.log(`${count} reloads: ${because}`);
const { requests, tls, reloaded } = counts;
console.log(
  `seed ${seed}: ${values.updates} updates, ${reloaded} by a reload; ${requests} requests, ${tls} over TLS: ${wrong.length} wrong or failed`,
);
process.exitCode = wrong.length === 0 && isSame ? 0 : 1;
