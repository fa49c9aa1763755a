/** Commands in one process, one after the other. What tests of the command line rest on: cli-server.mjs runs all of theirs so. */
import { beforeAll, expect, test } from "vitest";
import { type CliResult, inFolder, kpc, kpcProcess, SERVICE } from "../../support/cli.ts";
import { EVERYTHING } from "../../support/runs.ts";

/** Rules with matches that kpc does not know, which come in the order of `names`. */
const rulesWith = (...names: readonly string[]): string =>
  ["*filter", ":INPUT ACCEPT [0:0]", ...names.map((name, i) => `-A INPUT -m foo --${name} -j ${["DROP", "ACCEPT"][i]}`)]
    .concat("COMMIT", "")
    .join("\n");

const FILES = {
  "a.v4": rulesWith("one", "two"),
  "b.v4": rulesWith("two", "one"),
  "a.nft": "table ip t {\n  chain c {\n    type filter hook input priority 0\n    tcp dport 80 drop\n  }\n}\n",
  "service.yaml": SERVICE,
  "ports.yaml": SERVICE.replace("name: api", "name: web").replace("port: 80", "port: 0"),
};

const OF_HOST = ["--node-ip", "192.0.2.7"];
const PACKET = "tcp 203.0.113.9:40000 > 192.0.2.7:80 iif eth0";

const FEW: readonly { readonly args: readonly string[]; readonly input?: string }[] = [
  { args: ["trace", PACKET, "--rules", "a.v4", ...OF_HOST] },
  { args: ["trace", PACKET, "--rules", "b.v4", ...OF_HOST, "-o", "json"] },
  { args: ["diff", "a.v4", "b.v4", ...OF_HOST] },
  { args: ["trace", PACKET, "--rules", "-", ...OF_HOST], input: FILES["b.v4"] },
  { args: ["trace", PACKET, "--rules", "-", ...OF_HOST], input: FILES["a.nft"] },
  { args: ["check", "ports.yaml"] },
];

const MORE: typeof FEW = [
  { args: ["diff", "b.v4", "a.v4", ...OF_HOST, "-o", "json"] },
  { args: ["diff", "a.v4", "a.nft", ...OF_HOST, "--budget", "200"] },
  { args: ["verify", "service.yaml", "--against", "b.v4", ...OF_HOST] },
  { args: ["compile", "service.yaml", "--mode", "iptables", "-o", "iptables", ...OF_HOST] },
  { args: ["matrix", "service.yaml"] },
  { args: ["compile", "none.yaml"] },
  { args: ["trace", "--no-such-option"] },
];

const COMMANDS = EVERYTHING ? [...FEW, ...MORE] : FEW;

let alone: readonly CliResult[] = [];

const inOrder = (order: readonly (typeof FEW)[number][], run: typeof kpc): CliResult[] =>
  inFolder(FILES, (folder) => order.map(({ args, input }) => run(args, { folder, ...(input && { input }) })));

beforeAll(() => {
  alone = inOrder(COMMANDS, kpcProcess);
});

test("a command prints after others what it prints in a process of its own", () => {
  expect(inOrder(COMMANDS.toReversed(), kpc)).toEqual(alone.toReversed());
});

test.runIf(EVERYTHING)("in whichever order they come", () => {
  expect(inOrder(COMMANDS, kpc)).toEqual(alone);
});
