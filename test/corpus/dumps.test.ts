import { describe, expect, test } from "vitest";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { printTable } from "../../compiler/formats/nft/print.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { readFolder, type TextFile } from "../support/shared.ts";
import { describeShares, percentUnderstood, sharesOf } from "../support/understood.ts";

const iptables = readFolder("corpus/iptables", ".rules");
const nft = readFolder("corpus/nft", ".nft");
const missing = (files: readonly TextFile[], folder: string): string =>
  files.length > 0 ? "" : ` (skipped: there is no ../shared/${folder})`;

/** An anonymised dump has hardware addresses that are none, which iptables refuses. */
function withHardwareAddresses(text: string): string {
  return text.replaceAll("XX:XX:XX:XX:XX:XX", "02:00:00:00:00:01");
}

/** What is to be said of files that no tool takes, or takes only in part: how many findings, the place and code of the
 *  first, the first of them. */
const IPTABLES_FINDINGS: Readonly<Record<string, readonly [count: number, first: string]>> = {
  "centos7-production.rules": [1, "1:65 warning rules-syntax"], // carriage returns
  "openwrt-attitude-adjustment.rules": [20, "1:47 warning rules-syntax"], // carriage returns, a prompt, blanks within words
  "parser-stress.rules": [1, "12:55 error rules-refused"], // an option that there is not
  "qubes-unikernel-fw.rules": [2, "1:1 warning rules-syntax"], // prose and other listings around it
  "tum-netchair-2015-09.rules": [1653, "1794:37 error rules-refused"], // hardware addresses taken out
  "veroneau.rules": [1, "269:1 warning rules-syntax"], // a blank behind COMMIT
};

const NFT_FINDINGS: Readonly<Record<string, readonly [count: number, first: string]>> = {
  "fw4-ipsets.nft": [1, "49:2 warning rules-include"],
  "fw4-log-limit.nft": [5, "46:2 warning rules-include"], // and ports without a protocol
  "fw4-mangle.nft": [1, "20:2 warning rules-include"],
  "fw4-masq.nft": [1, "23:2 warning rules-include"],
  "fw4-redirect.nft": [1, "23:2 warning rules-include"],
  "fw4-rule-order.nft": [1, "20:2 warning rules-include"],
  "podman-rootless.nft": [10, "10:30 error rules-syntax"], // placeholders for addresses
  "synthetic-mixed-400.nft": [143, "5:69 error rules-refused"], // ports without a protocol in front
  "wikimedia-base.nft": [6, "5:5 warning rules-include"],
};

function summary(findings: readonly string[]): readonly [number, string] | undefined {
  const [first] = findings;
  return first === undefined ? undefined : [findings.length, first.split(" ", 3).join(" ")];
}

/** Printed and read again. */
function again(program: Program, file: string): Program {
  if (file.endsWith(".nft"))
    return readNftText(program.ruleset.tables.map((table) => printTable(table)).join("\n")).program;
  const tables = (["ip", "ip6"] as const).flatMap((family) => {
    const { text } = printSave(program.ruleset, family);
    return text === "" ? [] : readIptablesText(text, family).program.ruleset.tables;
  });
  return { ruleset: { tables }, routes: [] };
}

describe.skipIf(iptables.length === 0)(`dumps of iptables${missing(iptables, "corpus/iptables")}`, () => {
  test.each(iptables)("$name", ({ name, text }) => {
    expect(summary(readIptablesText(text).findings)).toEqual(IPTABLES_FINDINGS[name]);
  });

  // Lines that iptables refuses are not printed.
  const taken = iptables.filter(
    ({ text }) =>
      !readIptablesText(withHardwareAddresses(text)).findings.some((finding) => finding.includes(" error ")),
  );

  test.each(taken)("$name, printed and read again", ({ name, text }) => {
    const { program } = readIptablesText(withHardwareAddresses(text));
    expect(normaliseProgram(again(program, name))).toEqual(normaliseProgram(program));
  });

  test("at least 98 % of the rules are understood", () => {
    expect(taken.length).toBeGreaterThanOrEqual(34);
    const shares = sharesOf(iptables.map(({ text }) => readIptablesText(withHardwareAddresses(text)).program));
    process.stderr.write(describeShares("iptables", shares));
    expect(percentUnderstood(shares)).toBeGreaterThanOrEqual(98);
  });
});

describe.skipIf(nft.length === 0)(`rulesets of nft${missing(nft, "corpus/nft")}`, () => {
  test.each(nft)("$name", ({ name, text }) => {
    expect(summary(readNftText(text).findings)).toEqual(NFT_FINDINGS[name]);
  });

  const taken = nft.filter(({ text }) =>
    readNftText(text).findings.every((finding) => finding.includes(" rules-include ")),
  );

  test.each(taken)("$name, printed and read again", ({ name, text }) => {
    const { program } = readNftText(text);
    expect(normaliseProgram(again(program, name))).toEqual(normaliseProgram(program));
  });

  test("at least 98 % of the rules are understood", () => {
    expect(taken.length).toBeGreaterThanOrEqual(26);
    const shares = sharesOf(nft.map(({ text }) => readNftText(text).program));
    process.stderr.write(describeShares("nft", shares));
    expect(percentUnderstood(shares)).toBeGreaterThanOrEqual(98);
  });
});
