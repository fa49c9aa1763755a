import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import type { Source } from "../../compiler/diagnostics.ts";
import { printIr } from "../../compiler/formats/ir/print.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Config } from "../../compiler/node/config.ts";
import type { Mode } from "../../compiler/node/settings.ts";
import { printIptables, printNft, toConfig } from "../support/compile.ts";
import { exampleManifests, exampleSettings } from "../support/examples.ts";

const CASES = new URL("cases/", import.meta.url);

interface GoldenCase {
  readonly sources: Source[];
  readonly config: Config;
}

/** A case is a folder with its input; the shop's input is the shipped example. */
function readCase(name: string): GoldenCase {
  if (name === "shop-node-1")
    return { sources: exampleManifests(), config: { ...toConfig(exampleSettings()), nodeName: "node-1" } };
  return {
    sources: [{ name: "input.yaml", text: readFileSync(new URL(`${name}/input.yaml`, CASES), "utf8") }],
    config: {},
  };
}

function programOf({ sources, config }: GoldenCase, mode: Mode): Program {
  const { compiled } = compile(sources, { ...config, mode });
  if (compiled === undefined) throw new Error("the case does not compile");
  return compiled.program;
}

/** After a wanted change: `vitest -u`, then read the difference. */
describe.each(readdirSync(CASES))("%s", (name) => {
  const golden = readCase(name);
  const path = (file: string): string => new URL(`${name}/${file}`, CASES).pathname;

  test.each(["nftables", "iptables"] as const)("rules in %s mode", async (mode) => {
    const program = programOf(golden, mode);
    await expect(printNft(program)).toMatchFileSnapshot(path(`${mode}-mode.nft`));
    await expect(printIptables(program, "ip")).toMatchFileSnapshot(path(`${mode}-mode.rules.v4`));
    await expect(printIptables(program, "ip6")).toMatchFileSnapshot(path(`${mode}-mode.rules.v6`));
  });
});

test("the IR of one Service", async () => {
  const path = new URL("one-service/ir.json", CASES).pathname;
  await expect(printIr(programOf(readCase("one-service"), "nftables"))).toMatchFileSnapshot(path);
});
