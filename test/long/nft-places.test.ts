/** Where rules and base chains may stand: kpc's answer and the kernel's, for every statement at every hook. */
import { describe, expect, test } from "vitest";
import { kernelMissing } from "../support/kernel.ts";
import { complaintsOfNft } from "../support/nft-lines.ts";
import { ALL_PLACES, baseCommands, type NftPlace, ruleCommands, STATEMENTS } from "../support/nft-places.ts";
import { readNftText } from "../support/read.ts";

const nameOf = ({ family, type, hook }: NftPlace): string => `${family} ${type} ${hook}`;
const places = ALL_PLACES.filter((place) => findingsIn(baseCommands(place, "t")).length === 0);

interface Answer {
  readonly row: string;
  readonly kpc: readonly string[];
  readonly kernel: string | undefined;
}

function findingsIn(commands: readonly string[]): readonly string[] {
  return readNftText(`${commands.join("\n")}\n`).findings;
}

describe.skipIf(kernelMissing !== undefined)("kpc and the kernel take the same", () => {
  test("base chains", async () => {
    const rows = ALL_PLACES.flatMap((place) =>
      ["0", "-199", "-200", "raw", "filter - 10", "dstnat", "srcnat + 5", "out"]
        // nft takes these two since 1.0.9.
        .filter((priority) => !/^(dstnat output|srcnat \+ 5 input)$/.test(`${priority} ${place.hook}`))
        .map((priority, i) => ({ place, priority, commands: baseCommands(place, `t${i}`, priority) })),
    );
    const complaints = await complaintsOfNft(rows.map(({ commands }) => commands.join("; ")));
    const answers = rows.map(({ place, priority, commands }, i) => ({
      row: `${nameOf(place)} ${priority}`,
      kpc: findingsIn(commands),
      kernel: complaints[i],
    }));
    expect(answers.filter(({ kpc, kernel }) => (kpc.length === 0) !== (kernel === undefined))).toEqual([]);
  });

  test("rules", async () => {
    const rows = places.flatMap((place) =>
      STATEMENTS.map((statement, i) => ({
        row: `${nameOf(place)}: ${statement}`,
        commands: [...baseCommands(place, `t${i}`), ...ruleCommands(place, `t${i}`, statement)],
      })),
    );
    const complaints = await complaintsOfNft(rows.map(({ commands }) => commands.join("; ")));
    const answers = rows.map(
      ({ row, commands }, i): Answer => ({ row, kpc: findingsIn(commands), kernel: complaints[i] }),
    );
    const differ = answers.filter(({ kpc, kernel }) => (kpc.length === 0) !== (kernel === undefined));
    const [unknown, wrong] = [differ.filter(isUnknown), differ.filter((each) => !isUnknown(each))];
    const lacks = new Set(unknown.map(({ row }) => row.replace(/^(\S+) .*?: /, "$1: ")));
    for (const each of lacks) process.stderr.write(`left out, because this kernel was built without it: ${each}\n`);
    expect(wrong).toEqual([]);
  });
});

/** The kernel was built without what the statement needs. */
function isUnknown({ row, kpc, kernel = "" }: Answer): boolean {
  if (kpc.length > 0) return false;
  return /No such file or directory|Protocol error/.test(kernel) || /^bridge .* ibrname /.test(row);
}
