/** Hosts on which IPVS sends packets to endpoints. */
import type { Table } from "../../ir/types.ts";

/** Whether rules are of kube-proxy's ipvs mode. There IPVS translates, behind INPUT: no rule says where packets are sent. Chains that
 *  kube-proxy left behind when it changed its mode do not count. */
export function isIpvsMode(tables: readonly Table[]): boolean {
  const names = tables.flatMap(({ chains }) => chains.map(({ name }) => name));
  return names.some((name) => IPVS_CHAINS.test(name)) && !names.some((name) => /^KUBE-(?:SVC|SVL|SEP)-/.test(name));
}

const IPVS_CHAINS = /^KUBE-(?:LOAD-BALANCER|NODE-PORT|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER)$/;
