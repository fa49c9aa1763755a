/** What the reasons of a single packet tell besides their rules. */
import { expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import { required } from "../../../compiler/invariant.ts";
import { partsOfKey } from "../../../compiler/ir/sets.ts";
import type { KeyPart, Value } from "../../../compiler/ir/types.ts";
import { type Address, printAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { TO_SERVICE } from "../../support/many-packets.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

/** By which element of which set or map each statement ran, and where it sent TCP 10.244.0.5:40000 > 10.96.0.10:80. */
function toldOf(rules: string): string[] {
  const program = mustReadNft(`table ip t {
    set clients { type ipv4_addr; flags interval; elements = { 10.244.0.4-10.244.0.5 }; }
    set others { type ipv4_addr; elements = { 10.244.0.6 }; }
    set filled { type ipv4_addr; flags dynamic; elements = { 10.244.0.5 }; }
    map ends { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.1.0.1 . 8080 }; }
    chain c { type nat hook prerouting priority -100; ${rules}; }
  }`);
  const [outcome] = new Evaluator(program).evaluateWhole(TO_SERVICE, environmentOf([address("192.0.2.1")]));
  return required(outcome?.results[0], "one thing happens").path.flatMap((step) => {
    if (step.kind !== "rule") return [];
    const { rule, element, declaration, translated } = step;
    const key = element === undefined ? "" : `: ${partsOfKey(element).map(printPart).join(" . ")}`;
    const of = declaration !== undefined && "name" in declaration ? ` of ${declaration.name}` : "";
    const to = translated === undefined ? "" : `: to ${printAddressPort(translated.address, translated.port)}`;
    const last = rule.steps.at(-1);
    const what = last?.kind === "verdict" ? last.verdict.kind : last?.kind;
    return [`${what}${key}${of}${to}`];
  });
}

function printPart(part: KeyPart): string {
  const print = (value: Value): string =>
    typeof value === "number" && value > 0xffff ? printAddress(value as Address) : String(value);
  return typeof part === "object" ? `${print(part.from)}-${print(part.to)}` : print(part);
}

test.each<[rules: string, told: readonly string[]]>([
  ["ip saddr @clients drop", ["drop: 10.244.0.4-10.244.0.5 of clients"]],
  ["ip saddr @clients tcp dport 80 meta mark set 1; drop", ["set: 10.244.0.4-10.244.0.5 of clients", "drop"]],
  ["ip saddr != @others drop", ["drop"]],
  ["ip saddr != @clients drop; accept", ["accept"]],
  ["ip saddr @clients meta mark 7 drop; accept", ["accept"]],
  ["ip saddr @filled drop; add @filled { ip daddr }", ["drop: 10.244.0.5 of filled"]],
  ["ip saddr != @filled drop; add @filled { ip daddr }", ["remember"]],
  ["add @filled { ip daddr }; ip daddr @filled drop", ["remember", "drop"]],
  ["dnat to tcp dport map @ends", ["dnat: 80 of ends: to 10.1.0.1:8080"]],
  ["dnat to 10.1.0.1", ["dnat: to 10.1.0.1:80"]],
  ["ip daddr 10.96.0.0/24 dnat prefix to 10.1.1.0/24", ["dnat: to 10.1.1.10:80"]],
  ["meta l4proto tcp redirect to :81", ["redirect"]],
])("%s: %j", (rules, told) => {
  expect(toldOf(rules)).toEqual(told);
});
