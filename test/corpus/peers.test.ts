import { describe, expect, test } from "vitest";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program, Rule, Table } from "../../compiler/ir/types.ts";
import { pairs, rowsOf } from "../support/peers.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { readFolder } from "../support/shared.ts";

/** A rule of a suite, in a file that has what it refers to. */
interface Sample {
  readonly source: string;
  readonly rule: string;
  readonly isTaken: boolean;
  readonly findings: (text: string) => readonly string[];
  readonly normal: (text: string) => object;
  /** How the tool lists it; undefined for the same text. */
  readonly listing: string | undefined;
}

/** ebtables and arptables are other languages. */
const iptables = rowsOf("iptables-ext-rules.tsv").flatMap(
  ([source = "", table = "", chains = "", rule = "", saved = "", expected = ""]): Sample[] => {
    if (/^lib(ebt|arpt)_/.test(source)) return [];
    const family = source.startsWith("libip6t_") ? "ip6" : "ip";
    const chain = chains.split(",", 1)[0]?.trim() || "INPUT";
    const name = table || (/^(PRE|POST)ROUTING$/.test(chain) ? "mangle" : "filter");
    const read = (text: string): ReturnType<typeof readIptablesText> =>
      readIptablesText(`*${name}\n-A ${chain} ${text}\nCOMMIT\n`, family);
    return [
      {
        source,
        rule,
        isTaken: expected.trim() === "OK",
        findings: (text) => read(text).findings,
        normal: (text) => normaliseProgram(read(text).program),
        listing: saved === "=" ? undefined : saved,
      },
    ];
  },
);

/** Rows that begin with % or ! declare objects, in a language of the suite. */
const nft = rowsOf("nft-py-rules.tsv").flatMap(
  ([source = "", places = "", rule = "", expected = "", listing = ""]): Sample[] => {
    if (/^[%!?]/.test(rule)) return [];
    const family = places.split(";", 1)[0] ?? "ip";
    const read = (text: string): ReturnType<typeof readNftText> =>
      readNftText(`table ${family} t {\nchain chain1 {\n}\nchain c {\n${text}\n}\n}\n`);
    // The sets and chains that a rule names are elsewhere in the suite.
    const isMissing = (finding: string): boolean => / unknown-(set|chain) /.test(finding);
    return [
      {
        source,
        rule,
        isTaken: expected === "ok",
        findings: (text) => read(text).findings.filter((finding) => !isMissing(finding)),
        normal: (text) => normaliseProgram(read(text).program),
        listing: listing === "" ? undefined : listing,
      },
    ];
  },
);

describe.each([
  ["iptables", iptables, 40],
  ["nft", nft, 75],
] as const)("rules of the suite of %s", (name, samples, understoodListings) => {
  const title = samples.length === 0 ? " (skipped: there is no ../shared/corpus/peer)" : "";

  test.skipIf(samples.length === 0)(`all that the tool takes are read${title}`, () => {
    const taken = samples.filter(({ isTaken }) => isTaken);
    const misses = taken.flatMap(({ source, rule, findings }) => {
      const [first] = findings(rule);
      return first === undefined ? [] : [`${source}: ${rule}: ${first}`];
    });
    process.stderr.write(
      `${name}: ${taken.length - misses.length} of ${taken.length} rules of its own suite are read\n${misses.map((miss) => `  ${miss}\n`).join("")}`,
    );
    expect(misses).toEqual([]);
  });

  test.skipIf(samples.length === 0)(
    `what is listed in another spelling is read as the same, or is opaque${title}`,
    () => {
      const listed = samples.filter(({ isTaken, listing }) => isTaken && listing !== undefined);
      const differing = listed.filter(
        ({ rule, listing = "", normal }) =>
          JSON.stringify(normal(rule), bigintAsText) !== JSON.stringify(normal(listing), bigintAsText),
      );
      const wrong = differing.filter(
        ({ rule, normal }) => !JSON.stringify(normal(rule), bigintAsText).includes('"opaque'),
      );
      expect(wrong.map(({ source, rule, listing }) => `${source}: ${rule} | ${listing}`)).toEqual([]);
      expect(listed.length - differing.length).toBeGreaterThanOrEqual(understoodListings);
    },
  );
});

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

const dumps = readFolder("corpus/peer/nft-shell-dumps", ".nft").filter(({ text }) => text.trim() !== "");

test.skipIf(dumps.length === 0)(
  `listings of the suite of nft${dumps.length === 0 ? " (skipped: there is no ../shared/corpus/peer)" : ""}`,
  () => {
    expect(
      dumps.flatMap(({ name, text }) =>
        readNftText(text)
          .findings.slice(0, 1)
          .map((finding) => `${name} ${finding}`),
      ),
    ).toEqual([]);
  },
);

/** The rules of all chains, as text; without what stands in for chains that are elsewhere. */
function rulesText({ ruleset }: Program): string {
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      rules: chain.rules.map(({ steps }) => ({ steps: steps.filter(({ kind }) => kind !== "counter") })),
    })),
  }));
  const normal = normaliseProgram({ ruleset: { tables }, routes: [] }) as { readonly tables: readonly Table[] };
  const rules = normal.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
  const isStub = ({ steps: [step] }: Rule): boolean =>
    step?.kind === "opaque-statement" && step.text.startsWith("chain ");
  return JSON.stringify(
    rules.filter((rule) => !isStub(rule)),
    bigintAsText,
  );
}

/** Where both are understood and are not the same. */
const TRANSLATIONS_THAT_DIFFER = [
  // An interface of that name is as good as none.
  "iptables-translate -A FORWARD ! -i +",
  // The translation leaves out that bits outside of the mask stay.
  "iptables-translate -t mangle -A PREROUTING -j CONNMARK --set-xmark 0x16/0x12",
  "iptables-translate -t mangle -A PREROUTING  -j CONNMARK --set-mark 0x23/0x42 --right-shift-mark 5",
  // Two rules here, one of nft with a set of two ports there.
  "iptables-translate -t filter -I INPUT -p tcp -m multiport --ports 10",
];

test.skipIf(pairs.length === 0)(
  `a rule and its translation are read as the same, or are opaque${pairs.length === 0 ? " (skipped: there is no ../shared/corpus/peer)" : ""}`,
  () => {
    const differing = pairs.filter(({ mine, theirs }) => rulesText(mine.program) !== rulesText(theirs.program));
    const wrong = differing.filter(
      ({ mine, theirs }) => !`${rulesText(mine.program)}${rulesText(theirs.program)}`.includes('"opaque'),
    );
    expect(wrong.map(({ command }) => command)).toEqual(TRANSLATIONS_THAT_DIFFER);
    expect(pairs.length - differing.length).toBeGreaterThanOrEqual(145);
  },
);
