/** What a load balancer does that translates: connections go to one of the nodes, each equally likely. */
import { required } from "../invariant.ts";
import { addressType, anyBit, CT_STATUS_FIELD, random, rule } from "../ir/build.ts";
import { CT_STATUS, PRIORITY } from "../ir/constants.ts";
import type { DataType, MapDeclaration, Rule } from "../ir/types.ts";
import { FAMILIES, type Family, familyOf } from "../net/address.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS } from "../net/protocol.ts";
import type { ProxyFrontend, ProxyTarget } from "../network/network.ts";
import { dnatTo, isTo, type LayoutRules, MASQUERADE, natChain, natTable } from "./host-rules.ts";

/** `name`: of the Service. Nodes see the client's address if `keepsClient`, else the balancer's own. */
export function balancerRules(name: string, frontends: readonly ProxyFrontend[], keepsClient: boolean): LayoutRules {
  const translated = rule(anyBit(CT_STATUS_FIELD, CT_STATUS.dnat), MASQUERADE);
  const tables = FAMILIES.flatMap((family) => {
    const own = frontends.filter(({ address, targets }) => familyOf(address) === family && targets.length > 0);
    if (own.length === 0) return [];
    const made = own.map((frontend, i) => frontendRule(frontend, `__targets-${i}`, family));
    const prerouting = natChain(
      "prerouting",
      PRIORITY.dstnat,
      made.map(({ rule }) => rule),
    );
    const postrouting = keepsClient ? [] : [natChain("postrouting", PRIORITY.srcnat, [translated])];
    return [
      natTable(
        family,
        "balancer",
        [prerouting, ...postrouting],
        made.flatMap(({ maps }) => maps),
      ),
    ];
  });
  return { name: `rules of the load balancer of ${name}`, tables };
}

/** The rule, and the map that it asks if there are several targets. */
function frontendRule(
  { address, protocol: number, port, targets }: ProxyFrontend,
  map: string,
  family: Family,
): { readonly rule: Rule; readonly maps: readonly MapDeclaration[] } {
  const protocol = required(
    PROTOCOLS.find((each) => PROTOCOL_NUMBERS[each] === number),
    "Services have protocols with ports",
  );
  const matches = isTo(address, protocol, port);
  const [only, second] = targets;
  if (only !== undefined && second === undefined)
    return { rule: rule(...matches, dnatTo(only.address, only.port)), maps: [] };
  const key = random(targets.length);
  return {
    rule: rule(...matches, { kind: "dnat", to: { kind: "map", key, map }, random: "none" }),
    maps: [targetMap(map, family, targets)],
  };
}

function targetMap(name: string, family: Family, targets: readonly ProxyTarget[]): MapDeclaration {
  const named = (type: DataType): MapDeclaration["key"][number] => ({ type, sample: { kind: "opaque", text: type } });
  return {
    name,
    key: [{ type: "integer", sample: random(targets.length) }],
    interval: false,
    data: [named(addressType(family)), named("inet_service")],
    anonymous: true,
    elements: targets.map(({ address, port }, i) => ({ key: [i], value: [address, port] })),
  };
}
