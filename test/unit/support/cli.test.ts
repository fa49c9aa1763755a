/** The process that runs kpc for the tests. */
import { expect, test } from "vitest";
import { answerOf, inFolder, startServer } from "../../support/cli.ts";

test.each([
  ["before it takes requests", 'throw new Error("no cli.cjs");'],
  [
    "while it runs a command",
    `import { openSync, readSync } from "node:fs";
     const requests = openSync(process.argv[2], "r");
     openSync(process.argv[3], "w");
     readSync(requests, Buffer.alloc(9));
     throw new Error("no cli.cjs");`,
  ],
])("says what a process printed that ended %s", (_, script) => {
  inFolder({ "server.mjs": script }, (folder) => {
    const server = startServer(`${folder}/server.mjs`);
    expect(() => answerOf(server, "{}\n")).toThrow(/^the process that runs kpc has ended: .*no cli\.cjs/s);
  });
});
