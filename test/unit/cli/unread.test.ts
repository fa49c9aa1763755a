import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const PACKET = "tcp 10.244.1.9:4000 > 10.96.1.2:80 iif cni0";

interface Traced {
  readonly code: number | null;
  readonly stderr: string;
  readonly errors: readonly { readonly code: string; readonly line?: number }[];
  readonly outcomes: readonly {
    readonly verdict: string;
    readonly assumptions: readonly { readonly text: string; readonly holds: boolean }[];
    readonly endpoints: readonly object[];
  }[];
}

function trace(rules: string): Traced {
  return inFolder({ rules }, (folder) => {
    const { code, stdout, stderr } = kpc(
      ["trace", PACKET, "--rules", "rules", "--node-ip", "192.0.2.11", "-o", "json"],
      {
        folder,
      },
    );
    return { code, stderr, ...JSON.parse(stdout) };
  });
}

const PASTE = `-A KUBE-SERVICES -d 10.96.1.2/32 -p tcp -m comment --comment "shop/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-A
-A KUBE-SVC-A -m comment --comment "shop/web -> 10.244.2.5:8080" -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.244.2.5:8080
`;

describe("a trace of rules that were not all read", () => {
  const base = "type filter hook forward priority 0; policy accept;";
  test.each([
    ["nft: an include", `include "more.nft"\ntable ip t {\n chain c {\n  ${base}\n }\n}\n`, "rules-include"],
    [
      "nft: elements",
      `table ip t {\n set s {\n  type ipv4_addr\n  elements = { nobody }\n }\n chain c {\n  ${base}\n }\n}\n`,
      "rules-refused",
    ],
    [
      "nft: a hook",
      `table ip t {\n chain c {\n  type filter hook sideways priority 0;\n  drop\n }\n}\n`,
      "rules-syntax",
    ],
    ["nft: the end is missing", `table ip t {\n chain c {\n  ${base}\n }\n`, "rules-truncated"],
    ["iptables: the end is missing", "*filter\n:FORWARD ACCEPT [0:0]\n", "rules-truncated"],
    [
      "iptables: a chain that nothing declares",
      "*filter\n:FORWARD ACCEPT [0:0]\n-A OWN -j DROP\nCOMMIT\n",
      "unknown-chain",
    ],
    [
      "iptables: an unknown table",
      "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n*other\n-A FORWARD -j DROP\nCOMMIT\n",
      "unknown-table",
    ],
    [
      "two dialects",
      `table ip t {\n chain c {\n  ${base}\n }\n}\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n`,
      "rules-dialect",
    ],
  ])("rests on the assumption that they do nothing: %s", (_, rules, wanted) => {
    const { code, errors: unread, outcomes, stderr } = trace(rules);
    expect(code).toBe(1);
    expect(unread).toMatchObject([{ code: wanted, severity: "error", file: "rules", line: expect.any(Number) }]);
    expect(stderr).toContain(`[${wanted}]`);
    expect(outcomes.map(({ assumptions }) => assumptions)).toEqual([
      [
        {
          text: expect.stringMatching(/^the unreadable part does nothing to this packet, at rules:/),
          holds: true,
        },
      ],
    ]);
  });

  test.each([
    ["iptables: an option", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD --what -j DROP\nCOMMIT\n"],
    ["iptables: a jump to a chain that is not there", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j OWN\nCOMMIT\n"],
    ["nft: a rule", `table ip t {\n chain c {\n  ${base}\n  ip saddr drop\n }\n}\n`],
    ["nft: a jump to a chain that is not there", `table ip t {\n chain c {\n  ${base}\n  jump own\n }\n}\n`],
  ])("says both where it comes to what was not read, and that alone: %s", (_, rules) => {
    const { code, errors: unread, outcomes } = trace(rules);
    expect(code).toBe(1);
    expect(unread).toHaveLength(1);
    expect(outcomes.map(({ assumptions }) => assumptions.map(({ holds }) => holds))).toEqual([[true], [false]]);
  });

  test("ends with 1 also where the packet does not come to it", () => {
    const { code, errors: unread, outcomes } = trace("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --what -j DROP\nCOMMIT\n");
    expect({ code, unread: unread.length, outcomes }).toMatchObject({
      code: 1,
      unread: 1,
      outcomes: [{ assumptions: [] }],
    });
  });

  test("of which all was read rests on nothing", () => {
    expect(trace("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n")).toMatchObject({
      code: 0,
      errors: [],
      stderr: "",
      outcomes: [{ assumptions: [] }],
    });
  });
});

describe("a part of a dump", () => {
  test("is followed, on the assumption that the rest does nothing", () => {
    const { code, stderr, errors: unread, outcomes } = trace(PASTE);
    expect({ code, unread }).toEqual({ code: 0, unread: [] });
    expect(stderr.match(/note: /g)).toHaveLength(1);
    expect(stderr).toContain("kpc reads them as rules of table nat");
    expect(outcomes).toMatchObject([
      {
        verdict: "dnat",
        endpoints: [{ address: "10.244.2.5", port: 8080 }],
        assumptions: [
          {
            holds: true,
            text: "the rest of the dump that rules is a part of does nothing to this packet, and the built-in chains jump to kube-proxy's chains",
          },
        ],
      },
    ]);
  });

  test("that has its jumps gets no others", () => {
    const { outcomes } = trace(`-A PREROUTING ! -i cni0 -j KUBE-SERVICES\n${PASTE}`);
    expect(outcomes).toMatchObject([{ verdict: "pass", assumptions: [{ text: expect.not.stringContaining("jump") }] }]);
  });

  test("is never equal to anything", () => {
    const { code, stdout } = inFolder({ rules: PASTE }, (folder) => kpc(["diff", "rules", "rules"], { folder }));
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringContaining("not compared: the rest of the dump that rules is a part of\n"),
    });
    expect(stdout).toContain("=> no difference found");
  });
});

test("kube-proxy's text for iptables-restore is followed with its jumps, which is said", () => {
  const restored = `*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-A - [0:0]\n:KUBE-SEP-A - [0:0]\n${PASTE}COMMIT\n`;
  const { code, stderr, outcomes } = trace(restored);
  expect(code).toBe(0);
  expect(stderr).toContain("kube-proxy's jumps");
  expect(outcomes).toMatchObject([
    { verdict: "dnat", assumptions: [{ text: "the built-in chains jump to kube-proxy's chains", holds: true }] },
  ]);
  const host = trace(restored.replace("*nat\n", "*nat\n:PREROUTING ACCEPT [0:0]\n"));
  expect(host).toMatchObject({ code: 0, stderr: "", outcomes: [{ verdict: "pass", assumptions: [] }] });
});
