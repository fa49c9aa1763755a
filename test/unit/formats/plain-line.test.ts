import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineParser, type OptionText } from "../../../compiler/formats/iptables/grammar.ts";
import { lineLexer } from "../../../compiler/formats/iptables/lexer.ts";
import { readPlainLine } from "../../../compiler/formats/iptables/plain-line.ts";

/** What the grammar makes of `line`; undefined: it is no line of options. */
function byGrammar(line: string): readonly OptionText[] | undefined {
  const { tokens, errors } = lineLexer.tokenize(line);
  lineParser.input = tokens;
  const options = lineParser.command();
  return errors.length === 0 && lineParser.errors.length === 0 ? options : undefined;
}

/** What the words of lines are made of: all that one of the two could take for something else. */
const PIECES = [
  ..."!\"-=[]:\\ \t\r\f,/.;#'",
  ...[
    "-A",
    "--dport",
    "-s",
    "--",
    "---x",
    "-5",
    "! ",
    " ! ",
    '"',
    ' "a b" ',
    "[0:0] ",
    "[1:2]",
    "[fd00::1]:80",
    "--a=b",
  ],
  ...["80", "10.0.0.0/8", "tcp", "KUBE-SVC", "é", "\u00a0", "\u2028", "\u000b", "\u007f", "  ", " -j ", " -m "],
];

describe("lines cut without the grammar", () => {
  it("have the options that the grammar gives them", () => {
    let cut = 0;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }),
        fc.string({ maxLength: 3 }),
        (pieces, tail) => {
          const line = pieces.join("") + tail;
          const options = readPlainLine(`ab${line}cd`, 2, 2 + line.length);
          if (options === undefined) return;
          cut++;
          expect(options).toEqual(byGrammar(line));
        },
      ),
      { numRuns: 20_000 },
    );
    expect(cut).toBeGreaterThan(100);
  });

  it.each([
    "-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y",
    '[12:720] -A KUBE-SEP-A ! -s 10.244.0.0/16 -m comment --comment "default/web:http" -j KUBE-MARK-MASQ',
    "-A FORWARD -m addrtype ! --dst-type LOCAL -j MARK --set-xmark 0x4000/0x4000",
    "-A KPC-nat -j DNAT --to-destination [fd00::1]:80",
  ])("are those of dumps: %s", (line) => {
    const options = readPlainLine(line, 0, line.length);
    expect(options).toBeDefined();
    expect(options).toEqual(byGrammar(line));
  });
});
