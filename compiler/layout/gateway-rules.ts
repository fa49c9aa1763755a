/** What the gateway translates: sources of what leaves, destinations of forwarded ports. */
import { equal, IIFNAME, rule } from "../ir/build.ts";
import { PRIORITY } from "../ir/constants.ts";
import type { Rule } from "../ir/types.ts";
import { FAMILIES, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { InterfaceAddress } from "../network/types.ts";
import type { PortForwardSpec } from "../specs/network-types.ts";
import { dnatTo, isTo, type LayoutRules, MASQUERADE, natChain, natTable } from "./host-rules.ts";
import { type LayoutPlan, nodeAddress } from "./plan.ts";

/** Its interface to the world. */
const WORLD = "wan0";

/** Undefined: it translates nothing. */
export function gatewayRules(plan: LayoutPlan, outside: readonly InterfaceAddress[]): LayoutRules | undefined {
  const { gateway } = plan.input.network ?? {};
  const masquerades = gateway?.masquerade?.value ?? true;
  const leaving = rule(equal({ kind: "meta", key: "oifname" }, WORLD), MASQUERADE);
  const tables = FAMILIES.filter((family) => plan.underlays[family] !== undefined).map((family) => {
    const forwards = (gateway?.forwards ?? []).flatMap((forward) => forwardRule(forward, family, plan, outside));
    return natTable(family, "gateway", [
      ...(forwards.length === 0 ? [] : [natChain("prerouting", PRIORITY.dstnat, forwards)]),
      ...(masquerades ? [natChain("postrouting", PRIORITY.srcnat, [leaving])] : []),
    ]);
  });
  return tables.length === 0 ? undefined : { name: "rules of the gateway", tables };
}

function forwardRule(
  { protocol, port, to, toPort }: PortForwardSpec,
  family: Family,
  plan: LayoutPlan,
  outside: readonly InterfaceAddress[],
): Rule[] {
  const node = plan.input.nodes.find(({ name }) => name === to);
  const target = node === undefined ? parseAddress(to) : nodeAddress(node, family);
  const own = outside.find(({ address }) => familyOf(address) === family)?.address;
  if (target === undefined || familyOf(target) !== family || own === undefined) return [];
  return [rule(equal(IIFNAME, WORLD), ...isTo(own, protocol, port), dnatTo(target, toPort))];
}
