import { expect, test } from "vitest";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import { REFUSED_ROWS } from "../support/iptables-refused.ts";
import { MATCH_ROWS, TARGET_ROWS, textWith } from "../support/iptables-rows.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { mustReadIptables } from "../support/read.ts";

/** Sets are another package's; iptables takes a rule only where its set is there. */
const ROWS = [...Object.values(MATCH_ROWS), ...Object.values(TARGET_ROWS)]
  .flat()
  .filter(({ ipset }) => ipset === undefined);

test.skipIf(kernelMissing !== undefined).each(["nft", "legacy"])(
  "iptables-%s lists each rule of an extension as it stands in the table",
  async (backend) => {
    const listed = await withFiles(ROWS.map(textWith), async (paths) => {
      const commands = paths.map((path, i) => {
        const { family, table = "filter" } = ROWS[i] ?? {};
        const tool = `${family === "ip6" ? "ip6tables" : "iptables"}-${backend}`;
        return `${tool}-restore ${path} && echo "@ $(${tool}-save -t ${table} | grep '^-A')"`;
      });
      return (await inNamespace(commands.join("\n"))).output;
    });
    const wanted = ROWS.map(({ rule, chain = "INPUT" }) => `@ -A ${chain} ${rule}\n`).join("");
    expect(listed).toBe(wanted);
  },
);

test.skipIf(kernelMissing !== undefined).each(["nft", "legacy"])(
  "iptables-%s lists each rule, as kpc prints it, so that it is the same rule",
  async (backend) => {
    const programs = ROWS.map((row) => mustReadIptables(textWith(row), row.family ?? "ip"));
    const printed = programs.map(({ ruleset }, i) => printSave(ruleset, ROWS[i]?.family ?? "ip").text);
    const listed = await withFiles(printed, async (paths) => {
      const commands = paths.map((path, i) => {
        const { family, table = "filter" } = ROWS[i] ?? {};
        const tool = `${family === "ip6" ? "ip6tables" : "iptables"}-${backend}`;
        return `echo "@@" && ${tool}-restore ${path} && ${tool}-save -t ${table}`;
      });
      return (await inNamespace(commands.join("\n"))).output.split("@@\n").slice(1);
    });
    const again = listed.map((text, i) => mustReadIptables(text, ROWS[i]?.family ?? "ip"));
    expect(again.map(normaliseProgram)).toEqual(programs.map(normaliseProgram));
  },
);

test.skipIf(kernelMissing !== undefined).each(["nft", "legacy"])(
  "iptables-%s refuses the rules that kpc reports",
  async (backend) => {
    const taken = await withFiles(REFUSED_ROWS.map(textWith), async (paths) => {
      const commands = paths.map((path, i) => {
        const tool = `${REFUSED_ROWS[i]?.family === "ip6" ? "ip6tables" : "iptables"}-${backend}`;
        return `${tool}-restore ${path} 2> /dev/null && echo ${i}`;
      });
      return (await inNamespace(`${commands.join("\n")}\ntrue`)).output;
    });
    expect(taken.split("\n").flatMap((i) => (i === "" ? [] : [REFUSED_ROWS[Number(i)]?.rule]))).toEqual([]);
  },
);
