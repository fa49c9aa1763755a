/** What nft lists of each match and target of iptables, and whether kpc may trust it. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { readIptables } from "../../compiler/formats/iptables/read.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { stepsIn } from "../../compiler/ir/steps.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";

interface Entry {
  readonly rule: string;
  readonly listed: string;
  /** nft's text may mean another rule of iptables. */
  readonly isInexact: boolean;
}

interface Section {
  readonly family: "ip" | "ip6";
  readonly table: string;
  readonly chain: string;
  readonly entries: readonly Entry[];
}

const sections = sectionsOf("xtables-listings.txt");

/**
 * What nft lists from 1.0.7 on, by its source (src/xt.c, function xt_stmt_xlate): not asked of a kernel.
 *
 * It prints what the installed libxtables makes of an extension, as 1.0.6 does: so a listing is as inexact as that library's
 * translations are. What has no translation is `xt match "NAME"` or `xt target "NAME"`, with quotes, and so is every extension
 * where nft was built without libxtables, or that library lacks it.
 */
const newer = sectionsOf("xtables-listings-newer.txt");

function sectionsOf(name: string): Section[] {
  return readSections(readFileSync(new URL(name, import.meta.url), "utf8"));
}

function readSections(text: string): Section[] {
  const found: (Section & { entries: Entry[] })[] = [];
  for (const line of text.split("\n")) {
    const [, family, table = "", chain = ""] = /^== (ip6?) (\S+) (\S+)$/.exec(line) ?? [];
    if (family !== undefined) {
      found.push({ family: family === "ip6" ? "ip6" : "ip", table, chain, entries: [] });
      continue;
    }
    const [, mark, rule = "", listed = ""] = /^([! ]) (.*?) => ?(.*)$/.exec(line) ?? [];
    if (mark !== undefined) found.at(-1)?.entries.push({ rule, listed, isInexact: mark === "!" });
  }
  return found;
}

function save({ table, chain }: Section, rules: readonly string[]): string {
  return `*${table}\n:${chain} ACCEPT [0:0]\n${rules.map((rule) => `-A ${chain} ${rule}\n`).join("")}COMMIT\n`;
}

const PRIORITIES: Readonly<Record<string, string>> = {
  mangle: "-150",
  raw: "-300",
  filter: "0",
  "nat PREROUTING": "-100",
  "nat POSTROUTING": "100",
};

function listing({ family, table, chain }: Section, rules: readonly string[]): string {
  const type = table === "nat" ? "nat" : table === "mangle" && chain === "OUTPUT" ? "route" : "filter";
  const priority = PRIORITIES[table] ?? PRIORITIES[`${table} ${chain}`];
  const lines = rules.map((rule) => `\t\tcounter packets 0 bytes 0 ${rule}\n`).join("");
  return `table ${family} ${table} {\n\tchain ${chain} {\n\t\ttype ${type} hook ${chain.toLowerCase()} priority ${priority}; policy accept;\n${lines}\t}\n}\n`;
}

describe("nft's listing of tables that iptables made", () => {
  test.each(
    [...sections, ...newer].flatMap((section) =>
      section.entries.map((entry) => ({ section, ...entry, where: `${section.family} ${section.table}` })),
    ),
  )("$where: $rule", ({ section, rule, listed, isInexact }) => {
    const findings: Diagnostic[] = [];
    const report = (finding: Diagnostic): void => void findings.push(finding);
    const isMatch = !/(?:^| )-j /.test(rule);
    const theirs = readNft(
      { name: "host.nft", text: listing(section, [`${listed}${isMatch ? " accept" : ""}`]) },
      report,
    );
    const doubts = findings.filter(({ code, severity }) => code === "rules-listing" || severity === "error");
    const steps = [...stepsIn(theirs.ruleset.tables)];
    const isNamedByPlace = textOf(steps).includes("use iptables-save");
    expect({ isInexact: isNamedByPlace || doubts.length > 0 }).toEqual({ isInexact });
    if (isInexact) return;
    const own = readIptables(
      { name: "host.v4", text: save(section, [`${rule}${isMatch ? " -j ACCEPT" : ""}`]) },
      report,
      { family: section.family },
    );
    // What both sides understand is the same.
    if (isUnderstood(own) && isUnderstood(theirs)) {
      const { differing } = compare(own, theirs, { budget: 1_000_000, families: FAMILIES, addresses: [] });
      expect(differing).toBe(0);
    }
  });

  test.skipIf(kernelMissing !== undefined).each(sections.map((section) => ({ ...section, section })))(
    `is what the table of listings says: $family $table $chain`,
    async ({ section }) => {
      const { family, table, chain, entries } = section;
      const kept = await loadable(section, entries);
      await withFiles(
        [
          save(
            section,
            kept.map(({ rule }) => rule),
          ),
        ],
        async ([file]) => {
          const tool = family === "ip6" ? "ip6tables" : "iptables";
          const { output } = await inNamespace(
            `ipset create s hash:ip 2>/dev/null; ${tool}-nft-restore < ${file} && nft list chain ${family} ${table} ${chain}`,
          );
          const lines = output.split("\n").filter((line) => /^\t\t.*counter packets/.test(line));
          const listed = lines.map((line) =>
            line
              .replace(/counter packets \d+ bytes \d+/, "")
              .replace(/\s+/g, " ")
              .trim(),
          );
          expect(listed).toEqual(kept.map((entry) => entry.listed));
        },
      );
    },
  );
});

/** The rules that this kernel has modules for; says which ones it has not. */
async function loadable(section: Section, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const tool = section.family === "ip6" ? "ip6tables" : "iptables";
  const texts = entries.map(({ rule }) => save(section, [rule]));
  return withFiles(texts, async (files) => {
    const { output } = await inNamespace(
      `ipset create s hash:ip 2>/dev/null; for f in ${files.join(" ")}; do ${tool}-nft-restore < $f 2>/dev/null && echo yes || echo no; done`,
    );
    const answers = output.trim().split("\n");
    const kept = entries.filter((_, i) => answers[i] === "yes");
    for (const { rule } of entries.filter((entry) => !kept.includes(entry)))
      process.stderr.write(`left out: this kernel does not load ${rule}\n`);
    expect(kept.length).toBeGreaterThan(entries.length / 2);
    return kept;
  });
}

function isUnderstood({ ruleset }: Program): boolean {
  return [...stepsIn(ruleset.tables)].every((step) => !textOf(step).includes("opaque"));
}

function textOf(value: object): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));
}
