import { describe, expect, test } from "vitest";
import { drawChains } from "../../../compiler/pictures/chains/draw.ts";
import type { ChainRecord } from "../../../compiler/pictures/chains/fold.ts";
import { chainsToMermaid } from "../../../compiler/pictures/chains/mermaid.ts";
import { chainTables, leadsTo } from "../../../compiler/pictures/chains/tables.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { sceneFaults } from "../../support/scene-checks.ts";

const SMALL = `table ip shop {
  map services { type ipv4_addr : verdict; elements = { 10.96.0.10 comment "shop/web:http" : jump web, 10.96.0.11 : jump web, 10.96.0.12 : drop } }
  map none { type ipv4_addr : verdict; }
  map backends { type ipv4_addr : ipv4_addr; elements = { 10.96.0.10 : 10.244.1.10 } }
  set friends { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
  chain unused { accept }
  chain web { ip saddr @friends accept
    dnat to ip daddr map @backends }
  chain checks { tcp dport 22 accept
    ip saddr { 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 } drop comment "not from here"
    ip daddr vmap @none
    reject }
  chain nat { type nat hook prerouting priority dstnat; policy accept;
    ip daddr vmap @services }
  chain filter { type filter hook input priority filter; policy drop;
    jump checks
    udp dport 53 goto checks }
  chain idle { type filter hook output priority filter; policy accept; }
}
`;

/** Each row of a record as a line: text, elements, what happens. */
function linesOf(records: readonly ChainRecord[]): Record<string, string[]> {
  return Object.fromEntries(
    records.map(({ name, hook, copies, rows }) => [
      `${name}${hook === undefined ? "" : ` (${hook})`}${copies === 1 ? "" : ` x ${copies}`}`,
      rows.map(({ text, elements, verdict, target }) =>
        [text, elements, verdict, target && `-> ${target}`].filter((part) => part !== undefined).join(" | "),
      ),
    ]),
  );
}

describe("chainTables", () => {
  const tables = chainTables(mustReadNft(SMALL).ruleset.tables);
  const [table] = tables;

  test("a record for each chain that packets reach, by hook; a row for each rule", () => {
    expect(linesOf(table?.records ?? [])).toEqual({
      "nat (nat prerouting dstnat)": ["@services | 3", "web | 2 | -> web", " | 1 | drop"],
      web: ["@friends | 2 | accept", "@backends | 1 | dnat"],
      "filter (filter input filter, policy drop)": ["always, udp dport 53 | -> checks"],
      checks: ["tcp dport 22 | accept", "not from here | drop", "else | reject", "1 empty map"],
    });
  });

  test("of a set or map that stands in a rule the first elements", () => {
    const keys = [1, 2, 3, 4, 5];
    const rules = [
      `ip saddr . tcp dport { ${keys.map((key) => `192.0.2.1 . ${key}`).join(", ")} } drop`,
      `meta mark set tcp dport map { ${keys.map((key) => `${key} : ${key}`).join(", ")} }`,
    ];
    const text = `table ip t { chain c { type filter hook input priority filter; ${rules.join("; ")} } }`;
    const [small] = chainTables(mustReadNft(text).ruleset.tables);
    expect(linesOf(small?.records ?? [])).toEqual({
      "c (filter input filter)": [
        "ip saddr . tcp dport { 192.0.2.1 . 1, 192.0.2.1 . 2, 192.0.2.1 . 3, and 2 more } | drop",
        "meta mark set tcp dport map { 1 : 0x00000001, 2 : 0x00000002, 3 : 0x00000003, and 2 more }",
      ],
    });
  });

  test("what is left out is counted", () => {
    expect(table?.footnote).toBe(
      "6 chains, 10 rules and 4 maps and sets with 6 elements. Drawn: 4 chains that packets reach. Left out: 1 chain that nothing leads to and 1 hook without rules.",
    );
  });

  test("a Service chooses chains that name it, and their neighbours", () => {
    const { tables: all } = mustReadNft(SMALL).ruleset;
    const chosen = chainTables(all, { words: "near", isWanted: leadsTo(all, "shop/web") });
    expect(chosen.map(({ records }) => records.map(({ name }) => name))).toEqual([["nat", "web"]]);
    expect(chosen[0]?.footnote).toContain("Drawn: 2 of 4 chains that packets reach, near.");
    expect(all[0]?.chains.some((chain) => leadsTo(all, "shop/we")(all[0] as never, chain))).toBe(false);
  });

  test("tables without a rule are drawn where no table has one", () => {
    const empty = "table ip a { chain c { type filter hook input priority 0; policy drop; } }\n";
    expect(chainTables(mustReadNft(empty).ruleset.tables).map(({ title }) => title)).toEqual(["ip a"]);
    expect(chainTables(mustReadNft(empty + SMALL).ruleset.tables).map(({ title }) => title)).toEqual(["ip shop"]);
  });
});

/** kube-proxy's chains of `count` Services with two endpoints each. */
function kubeProxyLike(count: number): string {
  const services = Array.from({ length: count }, (_, i) => `${i.toString(36).padStart(6, "0").toUpperCase()}`);
  const names = services.flatMap((name) => [`KUBE-SVC-${name}`, `KUBE-SEP-A${name}`, `KUBE-SEP-B${name}`]);
  return [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ...["KUBE-SERVICES", "KUBE-MARK-MASQ", ...names].map((name) => `:${name} - [0:0]`),
    "-A PREROUTING -j KUBE-SERVICES",
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    ...services.flatMap((name, i) => [
      `-A KUBE-SERVICES -d 10.96.${i >> 8}.${i & 255}/32 -p tcp -m comment --comment "shop/web-${i}:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-${name}`,
      `-A KUBE-SVC-${name} -m statistic --mode random --probability 0.5 -j KUBE-SEP-A${name}`,
      `-A KUBE-SVC-${name} -j KUBE-SEP-B${name}`,
      ...["A", "B"].flatMap((side) => [
        `-A KUBE-SEP-${side}${name} -s 10.244.${i >> 8}.${i & 255}/32 -j KUBE-MARK-MASQ`,
        `-A KUBE-SEP-${side}${name} -p tcp -m tcp -j DNAT --to-destination 10.244.${i >> 8}.${i & 255}:8080`,
      ]),
    ]),
    "COMMIT",
    "",
  ].join("\n");
}

describe("chains of equal shape are stacked", () => {
  const count = 300;
  const { tables } = mustReadIptables(kubeProxyLike(count)).ruleset;
  const [table] = chainTables(tables);
  const records = table?.records ?? [];

  test("one record for all Services, one for all endpoints", () => {
    expect(linesOf(records)).toEqual({
      "PREROUTING (nat prerouting dstnat)": ["always | -> KUBE-SERVICES"],
      "KUBE-SERVICES": ["shop/web-0:http cluster IP, and 299 more | -> KUBE-SVC-000000"],
      "KUBE-SVC-… x 300": ["with probability …, else | -> KUBE-SEP-A000000"],
      "KUBE-SEP-… x 600": ["ip saddr … | -> KUBE-MARK-MASQ", "meta l4proto tcp: to … | dnat"],
      "KUBE-MARK-MASQ": [expect.stringContaining("meta mark set")],
    });
  });

  test("every rule is counted once", () => {
    const rules = tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)).length;
    expect(records.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.rules, 0)).toBe(rules);
  });

  test("the picture does not grow with the Services", () => {
    const scene = drawChains(chainTables(tables), "a host");
    expect(sceneFaults(scene)).toEqual([]);
    expect(scene.height).toBeLessThan(700);
  });

  test("a chosen chain keeps a record of its own", () => {
    const chosen = chainTables(tables, { words: "", isWanted: (_, { name }) => name === "KUBE-SVC-000007" });
    expect(chosen[0]?.records.map(({ name, copies }) => `${name} ${copies}`).sort()).toEqual([
      "KUBE-MARK-MASQ 1",
      "KUBE-SEP-A000007 1",
      "KUBE-SEP-B000007 1",
      "KUBE-SERVICES 1",
      "KUBE-SVC-000007 1",
      "PREROUTING 1",
    ]);
  });
});

test("chains as a mermaid flowchart", () => {
  expect(chainsToMermaid(chainTables(mustReadNft(SMALL).ruleset.tables))).toMatchSnapshot();
});
