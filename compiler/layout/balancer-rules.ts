/** What a load balancer does that translates: connections go to one of the nodes, each equally likely. */
import { required } from "../invariant.ts";
import { addressType, anyBit, CT_STATUS_FIELD, random, rule } from "../ir/build.ts";
import { CT_STATUS, PRIORITY } from "../ir/constants.ts";
import type { InlineMap, Rule } from "../ir/types.ts";
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
    const prerouting = natChain(
      "prerouting",
      PRIORITY.dstnat,
      own.map((frontend) => frontendRule(frontend, family)),
    );
    const postrouting = keepsClient ? [] : [natChain("postrouting", PRIORITY.srcnat, [translated])];
    return [natTable(family, "balancer", [prerouting, ...postrouting])];
  });
  return { name: `rules of the load balancer of ${name}`, tables };
}

/** The rule; it asks a map if there are several targets. */
function frontendRule({ address, protocol: number, port, targets }: ProxyFrontend, family: Family): Rule {
  const protocol = required(
    PROTOCOLS.find((each) => PROTOCOL_NUMBERS[each] === number),
    "Services have protocols with ports",
  );
  const matches = isTo(address, protocol, port);
  const [only, second] = targets;
  if (only !== undefined && second === undefined) return rule(...matches, dnatTo(only.address, only.port));
  const key = random(targets.length);
  return rule(...matches, {
    kind: "dnat",
    to: { kind: "map", key, map: targetMap(family, targets) },
    random: "none",
  });
}

function targetMap(family: Family, targets: readonly ProxyTarget[]): InlineMap {
  return {
    key: ["integer"],
    data: [addressType(family), "inet_service"],
    elements: targets.map(({ address, port }, i) => ({ key: [i], value: [address, port] })),
  };
}
