/** Random events, and after each row of them: the tables that transactions have made are those that compile makes. */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { disagreement, disagreementWithBroken, history } from "../support/events.ts";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "Infinity" },
  },
});
const wanted = Number(values.events);
const end = performance.now() + 1000 * Number(values.seconds);

let events = 0;
let histories = 0;
let wrong = 0;
for (let seed = Number(values.seed); events < wanted && performance.now() < end; seed++) {
  for (const withBroken of [false, true]) {
    // With errors all objects are compiled after each event.
    for (const each of fc.sample(history(withBroken, withBroken ? 50 : 1000), { numRuns: 5, seed })) {
      const found = withBroken ? disagreementWithBroken(each) : disagreement(each);
      events += each.events.length;
      histories++;
      if (found === "") continue;
      wrong++;
      process.stdout.write(
        `seed ${seed}: ${found}\n${JSON.stringify(each, (_, part) => (typeof part === "bigint" ? `${part}` : part))}\n`,
      );
    }
  }
}
process.stdout.write(`${events} events in ${histories} histories: ${wrong} disagree\n`);
process.exitCode = wrong === 0 ? 0 : 1;
