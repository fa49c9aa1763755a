import { describe, expect, test } from "vitest";
import { fileWith, MISPLACED, REFUSED, TAKEN, WAYS } from "../../support/nft-rows.ts";
import { readNftText } from "../../support/read.ts";

describe("a rule that nft refuses is a finding at its place", () => {
  test.each(REFUSED.map((row) => [row.join(" "), row] as const))("%s", (_, row) => {
    const [first = ""] = readNftText(fileWith(row)).findings;
    expect(first).toMatch(/^10:\d+ error rules-refused (expected|no packet|tcp reset answers|icmp)/);
  });
});

describe("a rule that the kernel refuses where it stands is a finding at its place", () => {
  test.each(MISPLACED.map((row) => [row.join(" "), row] as const))("%s", (_, row) => {
    const [, , hook] = row;
    expect(readNftText(fileWith(row)).findings).toEqual([
      expect.stringMatching(new RegExp(`^10:\\d+ error rules-refused expected .* only(, found ${hook})?$`)),
    ]);
    for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[])
      expect(readNftText(fileWith(row, way)).findings, way).toEqual(
        way === "none" ? [] : [expect.stringMatching(/^13:\d+ error rules-refused expected .* only/)],
      );
  });

  test("with what the kernel allows, and the chain that leads there", () => {
    const findings = (way: keyof typeof WAYS): readonly string[] =>
      readNftText(fileWith(["ip", "filter", "input", "tcp option maxseg size set rt mtu"], way)).findings;
    expect(findings("deep")).toEqual([
      "13:3 error rules-refused expected rt mtu at hook forward, output or postrouting only, found input: chain c leads to this one",
    ]);
    expect(readNftText(fileWith(["ip", "filter", "prerouting", "masquerade"], "goto")).findings).toEqual([
      "13:3 error rules-refused expected masquerade in chains of type nat only: chain c leads to this one",
    ]);
  });

  test("also in a chain that is written in a rule, which leads on", () => {
    const text = (rule: string): string =>
      `define way = r\ntable ip t {\nchain r {\nmasquerade\n}\nchain c {\ntype nat hook output priority 0;\njump {\n${rule}\n}\n}\n}\n`;
    expect(readNftText(text("snat to 1.1.1.1")).findings).toEqual([
      "9:1 error rules-refused expected snat at hook input or postrouting only, found output",
    ]);
    expect(readNftText(text("jump $way")).findings).toEqual([
      "4:1 error rules-refused expected masquerade at hook postrouting only, found output: chain c leads to this one",
    ]);
  });

  test("not what iptables made: nft lists other rules than the kernel has", () => {
    const rules = "counter packets 0 bytes 0 fib daddr . iif type local counter packets 0 bytes 0 accept";
    const text = `table ip filter {\nchain OUTPUT {\ntype filter hook output priority filter; policy accept;\n${rules}\n}\n}\n`;
    expect(readNftText(text).findings.filter((each) => each.includes("error"))).toEqual([]);
  });
});

describe("a base chain that there cannot be is a finding", () => {
  test.each([
    ["ip", "type nat hook forward priority 0", "hook prerouting, input, output or postrouting in a chain of type nat"],
    ["ip", "type route hook input priority 0", "hook output in a chain of type route"],
    [
      "ip",
      "type filter hook ingress device lo priority 0",
      "hook prerouting, input, forward, output or postrouting in",
    ],
    ["arp", "type filter hook forward priority 0", "hook input or output in a table of family arp, found forward"],
    ["bridge", "type nat hook prerouting priority 0", "type filter in a table of family bridge, found nat"],
    ["ip", "type nat hook prerouting priority raw", "a priority above -200 in a chain of type nat, found raw"],
    ["inet", "type filter hook forward priority dstnat", "priority dstnat at hook prerouting or output only"],
    ["inet", "type filter hook input device lo priority 0", "no device at hook input"],
  ])("%s: %s", (family, head, expected) => {
    const { findings } = readNftText(`table ${family} t {\nchain c {\n${head};\n}\n}\n`);
    expect(findings).toEqual([expect.stringContaining(`3:1 error rules-refused expected ${expected}`)]);
  });
});

describe("a rule that nft takes is none", () => {
  test.each(TAKEN.map((row) => [row.join(" "), row] as const))("%s", (_, row) => {
    expect(readNftText(fileWith(row)).findings).toEqual([]);
  });
});
