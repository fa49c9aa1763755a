import { expect, test } from "vitest";
import { REFUSED_ROWS } from "../../support/iptables-refused.ts";
import { type ExtensionRow, textWith } from "../../support/iptables-rows.ts";
import { readIptablesText } from "../../support/read.ts";

/** `long/iptables-extensions.test.ts` asks iptables about the same rules. */
test.each(REFUSED_ROWS.map((row): [string, ExtensionRow] => [row.rule, row]))(
  "%s is reported: iptables refuses it",
  (_, row) => {
    const { findings } = readIptablesText(textWith(row), row.family ?? "ip");
    expect(findings.filter((finding) => / error rules-refused /.test(finding)).length).toBe(1);
  },
);
