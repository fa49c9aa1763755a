/** What the gateway translates: sources of what leaves, destinations of forwarded ports. */
import type { Source } from "../diagnostics.ts";
import { FAMILIES, type Family, familyOf, parseAddress, printAddress, printAddressPort } from "../net/address.ts";
import type { InterfaceAddress } from "../network/types.ts";
import type { PortForwardSpec } from "../specs/network-types.ts";
import { type LayoutPlan, nodeAddress } from "./plan.ts";

/** As `nft -f` reads them; undefined: it translates nothing. */
export function gatewayRules(plan: LayoutPlan, outside: readonly InterfaceAddress[]): Source | undefined {
  const { gateway } = plan.input.network ?? {};
  const masquerades = gateway?.masquerade?.value ?? true;
  const tables = FAMILIES.filter((family) => plan.underlays[family] !== undefined).flatMap((family) => {
    const forwards = (gateway?.forwards ?? []).flatMap((forward) => forwardRule(forward, family, plan, outside));
    const keyword = family === "IPv4" ? "ip" : "ip6";
    return [
      `table ${keyword} gateway {`,
      ...(forwards.length === 0
        ? []
        : ["  chain prerouting {", "    type nat hook prerouting priority dstnat;", ...forwards, "  }"]),
      ...(masquerades
        ? [
            "  chain postrouting {",
            "    type nat hook postrouting priority srcnat;",
            '    oifname "wan0" masquerade',
            "  }",
          ]
        : []),
      "}",
    ];
  });
  return tables.length === 0 ? undefined : { name: "rules of the gateway", text: `${tables.join("\n")}\n` };
}

function forwardRule(
  { protocol, port, to, toPort }: PortForwardSpec,
  family: Family,
  plan: LayoutPlan,
  outside: readonly InterfaceAddress[],
): string[] {
  const node = plan.input.nodes.find(({ name }) => name === to);
  const target = node === undefined ? parseAddress(to) : nodeAddress(node, family);
  const own = outside.find(({ address }) => familyOf(address) === family)?.address;
  if (target === undefined || familyOf(target) !== family || own === undefined) return [];
  const keyword = family === "IPv4" ? "ip" : "ip6";
  const match = `${keyword} daddr ${printAddress(own)} ${protocol} dport ${port}`;
  return [`    iifname "wan0" ${match} dnat to ${printAddressPort(target, toPort)}`];
}
