/** Bundles the command line, its launcher and the scripts that it runs into dist/bin, and compiles what commands run. A step of
 *  `npm run build`. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { rehearseAgent } from "./rehearse-agent.mjs";

const ROOT = new URL("../../", import.meta.url);
const BIN = new URL("dist/bin/", ROOT);
const KPC = fileURLToPath(new URL("kpc.cjs", BIN));

/** Names stay, for the stacks of our own bugs. */
const MINIFY = { compress: true, mangle: false, codegen: { removeWhitespace: true } };

/** A module as a function, which the launcher compiles by itself.
 *  @param {string} code */
const asFunction = (code) => `(function (exports, require, module, __filename, __dirname) {${code}\n})`;

/** One file of ASCII alone, which Node.js reads without decoding it.
 *  @param {string} input @param {string} output @param {boolean} isLaunched */
async function bundle(input, output, isLaunched) {
  const made = await rolldown({ input: fileURLToPath(new URL(input, ROOT)), platform: "node", logLevel: "warn" });
  const { output: chunks } = await made.generate({
    format: "cjs",
    codeSplitting: false,
    minify: isLaunched ? MINIFY : false,
  });
  const [{ code }] = chunks;
  const ascii = code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(new URL(output, BIN), isLaunched ? asFunction(ascii) : ascii);
}

rmSync(BIN, { recursive: true, force: true });
mkdirSync(BIN, { recursive: true });
await bundle("compiler/cli.ts", "cli.cjs", true);
await bundle("compiler/cli/agent-main.ts", "agent.cjs", true);
for (const script of [
  "runtime/kernel/prober.pl",
  "runtime/lab/helper.pl",
  "runtime/lab/tls-client.mjs",
  "runtime/table/netfilter.pl",
  "runtime/haproxy/haproxy-world.mjs",
  "runtime/haproxy/name-server.mjs",
  "compiler/cli/rehearse-agent.mjs",
])
  copyFileSync(new URL(script, ROOT), new URL(basename(script), BIN));
await bundle("compiler/cli/launch.ts", "kpc.cjs", false);
chmodSync(KPC, 0o755);

// Each run writes the functions that it has compiled to a cache of the launcher.
const shop = ["examples/shop/manifests", "-c", "examples/shop/kpc.yaml"];
for (const args of [
  ["compile", "-q", ...shop, "--node", "node-1"],
  ["trace", "tcp web-1 > svc/api:http", ...shop],
])
  execFileSync(process.execPath, [KPC, ...args], {
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, KPC_WRITE_CODE_CACHE: "1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
await rehearseAgent(KPC);
