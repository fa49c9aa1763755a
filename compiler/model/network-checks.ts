/** What is wrong with the addresses of a cluster, and with what a Cluster says of its network. No rule of a node depends on it;
 *  packets between hosts do. */
import type { Report } from "../diagnostics.ts";
import { reportDuplicateAddresses, reportRoutedServiceCidrs } from "./address-checks.ts";
import {
  checkClusterNames,
  checkConnected,
  checkIngressProxy,
  checkLoadBalancers,
  reportBlockMismatches,
} from "./cluster-checks.ts";
import { reportUnknownDatapath } from "./datapath.ts";
import type { NetworkCheckInput } from "./network-check-input.ts";
import { reportOverlappingPodCidrs, reportPodsOutside, reportPodsOutsideAll } from "./pod-cidr-checks.ts";

/** Reports `overlapping-pod-cidrs`, `pod-outside-cidr`, `duplicate-address`, `service-cidr-routed`, `cluster-mismatch`,
 *  `unknown-cluster-name`, `gateway-not-connected` and `unknown-datapath`. */
export function checkNetwork(input: NetworkCheckInput, report: Report): void {
  reportUnknownDatapath(input.specs, report);
  checkClusterNames(input, report);
  checkLoadBalancers(input.specs, report);
  checkIngressProxy(input, report);
  reportBlockMismatches(input, report);
  checkConnected(input, report);
  reportOverlappingPodCidrs(input.cluster.nodes, report);
  reportPodsOutside(input, report);
  reportPodsOutsideAll(input, report);
  reportDuplicateAddresses(input, report);
  reportRoutedServiceCidrs(input, report);
}
