import fc from "fast-check";
import { expect, it } from "vitest";
import { jumpsIn } from "../../../compiler/formats/iptables/jumps.ts";

const NAMES = ["A", "B", "KUBE-SVC", "ACCEPT", "-j", "x-A"];

const WORDS = [
  ...' \t\r"=!-\u2028\u00a0é',
  ...[
    "-A ",
    "-I ",
    "--append ",
    "--insert ",
    "-D ",
    "-t ",
    "--table ",
    "nat ",
    "-s 10.0.0.1 ",
    "--to-destination 1.2.3.4 ",
  ],
  ...[
    "-j ",
    " -j ",
    " -g ",
    " --jump ",
    " --goto ",
    "--comment ",
    '"a -j B" ',
    ...NAMES,
    ...NAMES.map((name) => `${name} `),
  ],
];

/** The jumps of one line, as an expression that may take its time finds them. */
function jumpsOf(line: string, table: string): string[] {
  return [...line.matchAll(/^.*(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/gm)].map(
    ([all, chain, target]) => `${/ (?:-t|--table) (\S+)/.exec(all)?.[1] ?? table} ${chain} ${target}`,
  );
}

it("finds where rules lead, as in all of the line's words", () => {
  let plain = 0;
  const line = fc.tuple(fc.constantFrom("-A A ", "-A B ", ""), fc.array(fc.constantFrom(...WORDS), { maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      const texts = lines.map(([start, words]) => start + words.join(""));
      const wanted = new Set(texts.flatMap((text) => jumpsOf(text, "nat")));
      const graphs = jumpsIn(`*nat\n${texts.join("\n")}`);
      const found = [...graphs].flatMap(([table, graph]) => graph.jumps().map((jump) => `${table} ${jump.join(" ")}`));
      expect(new Set(found)).toEqual(wanted);
      plain += wanted.size;
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(1000);
});
