/** Where packets enter the table: the base chains, in kube-proxy's order of jumps. */
import { addressField, anyBit, CT_STATE_FIELD, commented, goto, jump, rule, verdict, within } from "../ir/build.ts";
import { CT_STATE, PRIORITY } from "../ir/constants.ts";
import type { BaseChain, Chain, Match } from "../ir/types.ts";
import { SERVICES } from "./dispatch.ts";
import { healthCheckRules } from "./health-checks.ts";
import { decisionRules } from "./masquerade.ts";
import { antiMartian } from "./node-ports.ts";
import { leavingChains, leavingRules } from "./pod-network.ts";
import { filterChain, natChain, regular, type TableShape } from "./shape.ts";
import { FIREWALL } from "./source-ranges.ts";
import { rangesOf } from "./sources.ts";
import { UNSERVED_AT_NODE, UNSERVED_CLUSTER_IPS, UNSERVED_ELSEWHERE, UNSERVED_EXTERNAL } from "./unserved.ts";

/** The base chains, last as nft lists them, each after the chains that it alone needs. */
export function hookChains(shape: TableShape): Chain[] {
  return [
    ...(shape.settings.mode === "nftables" ? nftablesFilterChains(shape) : iptablesFilterChains(shape)),
    natChain("nat-prerouting", "prerouting", PRIORITY.dstnat, [rule(...toFrontends(shape), jump(SERVICES))]),
    natChain("nat-output", "output", PRIORITY.dstnat, [rule(...toFrontends(shape), jump(SERVICES))]),
    ...leavingChains(shape),
    natChain("nat-postrouting", "postrouting", PRIORITY.srcnat, [
      ...leavingRules(shape),
      ...decisionRules("masquerade", shape),
    ]),
  ];
}

const NEW = anyBit(CT_STATE_FIELD, CT_STATE.new);

/** True for all packets to addresses of Services, and for as few others as one comparison can tell. A lookup costs ten times as much. */
function toServiceAddresses({ family, settings, features }: TableShape): Match[] {
  const blocks = rangesOf(settings.families[family].serviceCidrs);
  const areThere = !features.has("external-addresses") && !features.has("cluster-ips-elsewhere");
  return areThere && blocks.length === 1 ? [within(addressField(family, "daddr"), blocks)] : [];
}

/** The same with node ports. */
function toFrontends(shape: TableShape): Match[] {
  return shape.features.has("node-ports") ? [] : toServiceAddresses(shape);
}

/** Each base chain costs every packet something: those of source ranges are there where some Service has them. */
function nftablesFilterChains(shape: TableShape): BaseChain[] {
  const { features } = shape;
  const elsewhere = [rule(...toServiceAddresses(shape), NEW, jump(UNSERVED_ELSEWHERE))];
  const firewall = [rule(NEW, jump(FIREWALL))];
  return [
    ...(features.has("source-ranges")
      ? [
          filterChain("firewall-prerouting", "prerouting", PRIORITY.dstnat - 10, firewall),
          filterChain("firewall-output", "output", PRIORITY.dstnat - 10, firewall),
        ]
      : []),
    filterChain("filter-input", "input", PRIORITY.filter, [rule(NEW, jump(UNSERVED_AT_NODE))]),
    filterChain("filter-forward", "forward", PRIORITY.filter, elsewhere),
    filterChain("filter-output", "output", PRIORITY.filter, elsewhere),
  ];
}

const FORWARD_NEW = "forward-new";
const FORWARD_TRANSLATED = "forward-translated";

/** All checks come after translation: what still has a Service's address was left alone. Forwarded packets are asked once whether they
 *  open a connection: iptables takes as long for each test of it as for ten of addresses. */
function iptablesFilterChains(shape: TableShape): Chain[] {
  const martian = antiMartian(shape);
  const accept = verdict({ kind: "accept" });
  const invalid = rule(anyBit(CT_STATE_FIELD, CT_STATE.invalid), verdict({ kind: "drop" }));
  return [
    regular(FORWARD_TRANSLATED, decisionRules("forward", shape)),
    filterChain("filter-input", "input", PRIORITY.filter, [
      ...martian,
      rule(NEW, jump(FIREWALL)),
      ...healthCheckRules(shape),
      rule(NEW, jump(UNSERVED_EXTERNAL)),
    ]),
    regular(FORWARD_NEW, [
      rule(jump(FIREWALL)),
      commented("to be masqueraded", rule(jump(FORWARD_TRANSLATED))),
      rule(jump(UNSERVED_CLUSTER_IPS)),
      rule(jump(UNSERVED_EXTERNAL)),
    ]),
    filterChain("filter-forward", "forward", PRIORITY.filter, [
      rule(NEW, goto(FORWARD_NEW)),
      ...(shape.settings.tcpBeLiberal ? [] : [invalid]),
      rule(anyBit(CT_STATE_FIELD, CT_STATE.related | CT_STATE.established), accept),
    ]),
    filterChain("filter-output", "output", PRIORITY.filter, [
      ...martian,
      rule(NEW, jump(FIREWALL)),
      rule(NEW, jump(UNSERVED_CLUSTER_IPS)),
    ]),
  ];
}
