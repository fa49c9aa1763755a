import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { hostOf } from "../../../compiler/evaluate/packet.ts";
import { required } from "../../../compiler/invariant.ts";
import { countRules, type RuleRows, rowsOfRules } from "../../../compiler/ir/rule-rows.ts";
import { localHints } from "../../../compiler/library/local-hints.ts";
import { parseAddress } from "../../../compiler/net/address.ts";
import { mustReadIptables } from "../../support/read.ts";

/** More than a chain leads on to whose targets are looked behind. */
const SERVICES = 260;
const ENDPOINTS = 2;

/** As kube-proxy has it: a chain that leads to one for each Service, and from there to one for each endpoint. */
function textOfHost(): string {
  const numbers = Array.from({ length: SERVICES }, (_, i) => i);
  const serviceAt = (i: number): string => `10.96.${i >> 8}.${i & 255}`;
  const endpoints = Array.from({ length: ENDPOINTS }, (_, n) => n);
  const last = ENDPOINTS - 1;
  return [
    "*nat",
    ...["PREROUTING", "OUTPUT"].map((name) => `:${name} ACCEPT [0:0]`),
    ":KUBE-SERVICES - [0:0]",
    ":KUBE-MARK-MASQ - [0:0]",
    ...numbers.flatMap((i) => [`:KUBE-SVC-${i} - [0:0]`, ...endpoints.map((n) => `:KUBE-SEP-${i}-${n} - [0:0]`)]),
    "-A PREROUTING -j KUBE-SERVICES",
    "-A OUTPUT -j KUBE-SERVICES",
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    ...numbers.map((i) => `-A KUBE-SERVICES -d ${serviceAt(i)}/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-${i}`),
    "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j RETURN",
    ...numbers.flatMap((i) => [
      `-A KUBE-SVC-${i} ! -s 10.244.0.0/16 -d ${serviceAt(i)}/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ`,
      ...endpoints.map((n) => {
        const chance =
          n === last ? "" : ` -m statistic --mode random --probability ${(1 / (ENDPOINTS - n)).toFixed(10)}`;
        return `-A KUBE-SVC-${i}${chance} -j KUBE-SEP-${i}-${n}`;
      }),
      ...endpoints.flatMap((n) => [
        `-A KUBE-SEP-${i}-${n} -s 10.244.${n}.${i & 255}/32 -j KUBE-MARK-MASQ`,
        `-A KUBE-SEP-${i}-${n} -p tcp -m tcp -j DNAT --to-destination 10.244.${n}.${i & 255}:8080`,
      ]),
    ]),
    "COMMIT",
    "",
  ].join("\n");
}

const address = (text: string) => required(parseAddress(text), text);

test("rules of chains to which a packet does not come are not made", () => {
  const host = mustReadIptables(textOfHost());
  const chains = host.ruleset.tables.flatMap((table) => table.chains);
  const all = new Set(chains.flatMap((chain) => rowsOfRules(chain)?.rows ?? []));
  let made = 0;
  for (const rows of all) {
    const { make } = rows;
    const counting: RuleRows["make"] = (row) => {
      made++;
      return make(row);
    };
    Object.assign(rows, { make: counting });
  }
  const packet = {
    ...{ protocol: 6, mark: 0, inInterface: "eth0", sourcePort: 40000, destinationPort: 80 },
    ...{ source: address("203.0.113.9"), destination: address("10.96.1.2") },
  };
  const outcomes = new Evaluator(host).evaluateWhole(packet, hostOf([]));
  const endpoints = new Set(outcomes.flatMap((each) => each.endpoints.map((endpoint) => endpoint.address)));
  expect(endpoints.size).toBe(ENDPOINTS);
  expect(localHints(host.ruleset.tables)).toHaveLength(1);
  // Those of the chain that leads to each Service, and of the few chains behind it to which the packet comes.
  expect(made).toBeGreaterThan(SERVICES);
  expect(made).toBeLessThan(SERVICES + 50);
  expect(chains.reduce((sum, chain) => sum + countRules(chain), 0)).toBeGreaterThan(7 * SERVICES);
});
