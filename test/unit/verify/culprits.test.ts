import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { Culprits } from "../../../compiler/verify/culprits.ts";
import { onlyServiceTraffic } from "../../../compiler/verify/others.ts";
import { describeSuspects } from "../../../compiler/verify/places.ts";
import { serviceRulesOf } from "../../../compiler/verify/service-rules.ts";
import { frontendsIn } from "../../../compiler/verify/services/frontends.ts";
import { ServiceNames } from "../../../compiler/verify/services/service-names.ts";
import { mustCompile } from "../../support/compile.ts";
import { mustReadIptables } from "../../support/read.ts";
import { webCluster } from "../../support/tables.ts";

const { program, node } = mustCompile(webCluster(["10.244.1.7"]));
const { addresses } = node;

/** What is found to explain the first region of packets with which the Service rules do `verdict`: culprits, what is on the way, and all that has an effect. */
function explain(others: Program, verdict = "dnat") {
  const rules = serviceRulesOf(
    { ruleset: { tables: [...others.ruleset.tables, ...program.ruleset.tables] }, routes: [] },
    [],
  );
  const comparison = compare(rules.own, rules.whole, {
    addresses,
    families: ["IPv4"],
    firstOnly: true,
    unmarked: true,
  });
  const {
    comparison: { regions },
  } = onlyServiceTraffic(comparison, rules, new ServiceNames(frontendsIn(program), addresses).nameOf, addresses);
  const culprits = new Culprits(rules, addresses);
  const served = regions.filter(({ left }) => left.verdict === verdict);
  const all = served.map((region) => {
    const culprit = culprits.of(region);
    return culprit === undefined
      ? undefined
      : {
          culprits: describeSuspects(culprit.suspects),
          way: describeSuspects(culprit.way),
          isSmallest: culprit.isSmallest,
        };
  });
  return { ...all[0], all, effective: describeSuspects([...culprits.effective]) };
}

const iptables = (...lines: string[]): Program => mustReadIptables(`${lines.join("\n")}\n`, "ip");

describe("the culprit", () => {
  test("is the rule that acts, with the jumps to it", () => {
    const found = explain(
      iptables(
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":HIJACK - [0:0]",
        ":INNER - [0:0]",
        "-A PREROUTING -j HIJACK",
        "-A HIJACK -j INNER",
        "-A HIJACK -d 10.9.9.9/32 -j RETURN",
        "-A INNER -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.99:80",
        "COMMIT",
      ),
    );
    expect(found).toMatchObject({
      culprits: "line 8 of dump",
      way: "lines 5-6 of dump",
      isSmallest: true,
      effective: "lines 5-6, 8 of dump",
    });
  });

  test("is two policies together", () => {
    const tables = iptables(
      "*mangle",
      ":FORWARD DROP [0:0]",
      ":OUTPUT ACCEPT [0:0]",
      "COMMIT",
      "*filter",
      ":FORWARD DROP [0:0]",
      "-A FORWARD -d 10.9.9.9/32 -j ACCEPT",
      "COMMIT",
    );
    expect(explain(tables)).toMatchObject({
      culprits:
        "the policy drop of chain FORWARD of table ip mangle and the policy drop of chain FORWARD of table ip filter",
      isSmallest: true,
    });
  });

  test("is a policy and a source translation together", () => {
    const found = explain(
      iptables(
        "*nat",
        ":POSTROUTING ACCEPT [0:0]",
        "-A POSTROUTING -s 10.244.0.0/16 -j MASQUERADE",
        "COMMIT",
        "*mangle",
        ":POSTROUTING ACCEPT [0:0]",
        ":FORWARD DROP [0:0]",
        "-A FORWARD -s 10.9.0.0/16 -j ACCEPT",
        "COMMIT",
      ),
    );
    expect(found.all).toContainEqual({
      culprits: "line 3 of dump and the policy drop of chain FORWARD of table ip mangle",
      way: "",
      isSmallest: true,
    });
  });

  test("has the rule on its way that sets the mark", () => {
    const found = explain(
      iptables(
        "*mangle",
        ":PREROUTING ACCEPT [0:0]",
        ":FORWARD ACCEPT [0:0]",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x10/0x10",
        "-A FORWARD -m mark --mark 0x10/0x10 -j DROP",
        "COMMIT",
      ),
    );
    expect(found).toMatchObject({
      culprits: "line 5 of dump",
      way: "line 4 of dump",
      effective: "lines 4-5 of dump",
    });
  });

  test("is an accept that skips the Service rules", () => {
    expect(
      explain(iptables("*raw", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -i eth0 -j CT --notrack", "COMMIT")),
    ).toMatchObject({ culprits: "line 3 of dump" });
  });

  test("has no rule that packets do not meet, where others need it", () => {
    const { all } = explain(
      iptables(
        "*raw",
        ":PREROUTING ACCEPT [0:0]",
        "-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack",
        "COMMIT",
        "*filter",
        ":FORWARD ACCEPT [0:0]",
        "-A FORWARD -p udp -m udp --dport 53:80 -j REJECT --reject-with icmp-admin-prohibited",
        "COMMIT",
      ),
      "drop",
    );
    expect(new Set(all.map((each) => each?.culprits))).toEqual(new Set(["line 7 of dump", "lines 3, 7 of dump"]));
  });

  test("is a set of which no part can be left out where many act alike", () => {
    const drops = Array.from({ length: 7 }, (_, i) => `-A FORWARD -p tcp -m comment --comment ${i} -j DROP`);
    const found = explain(iptables("*filter", ":FORWARD ACCEPT [0:0]", ...drops, "COMMIT"));
    expect(found).toMatchObject({ culprits: "lines 3-9 of dump", isSmallest: false });
  });

  test("leaves out rules that packets pass without an effect", () => {
    const found = explain(
      iptables(
        "*filter",
        ":FORWARD ACCEPT [0:0]",
        ":DOCKER-USER - [0:0]",
        "-A FORWARD -j DOCKER-USER",
        "-A FORWARD -p tcp -j DROP",
        "-A DOCKER-USER -j RETURN",
        "COMMIT",
      ),
    );
    expect(found).toMatchObject({ culprits: "line 5 of dump", way: "", effective: "line 5 of dump" });
  });
});
