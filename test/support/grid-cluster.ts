/** Regular clusters of any size: pods are dealt out to nodes, and to Services. */
import { resolveInput } from "../../compiler/compile.ts";
import { type Described, describeNetwork } from "../../compiler/described.ts";
import { required } from "../../compiler/invariant.ts";
import type { Address } from "../../compiler/net/address.ts";
import { resolveConfigs } from "../../compiler/node/all-nodes.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import type { PodNetworkName } from "../../compiler/specs/network-types.ts";
import { addressOf } from "./walks.ts";

export interface GridSize {
  readonly nodes: number;
  /** Of all nodes together. */
  readonly pods: number;
  readonly services: number;
  /** Undefined: as kpc takes it for granted. */
  readonly network?: PodNetworkName;
}

/** Manifests, as JSON. Pods are `pod/d/pN`; Services listen at port 80, and each pod serves port 8080 of one of them. */
export function gridText({ nodes, pods, services, network }: GridSize): string {
  const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
  const items = [
    ...(network === undefined ? [] : [{ apiVersion: "kpc.dev/v1alpha1", kind: "Cluster", pods: { network } }]),
    ...count(nodes, (n) => ({
      ...{ apiVersion: "v1", kind: "Node", metadata: { name: `n${n}` } },
      spec: { podCIDR: `10.244.${n}.0/24`, podCIDRs: [`10.244.${n}.0/24`] },
      status: { addresses: [{ type: "InternalIP", address: `192.168.50.${10 + n}` }] },
    })),
    ...count(pods, (p) => {
      const ip = `10.244.${p % nodes}.${10 + Math.floor(p / nodes)}`;
      return {
        ...{ apiVersion: "v1", kind: "Pod" },
        metadata: { name: `p${p}`, namespace: "d", labels: { app: `s${p % services}` } },
        spec: { nodeName: `n${p % nodes}`, containers: [{ name: "c", image: "i", ports: [{ containerPort: 8080 }] }] },
        status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: "True" }] },
      };
    }),
    ...count(services, (s) => ({
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: `s${s}`, namespace: "d" } },
      spec: {
        ...{ type: "NodePort", clusterIP: addressText(s), clusterIPs: [addressText(s)] },
        ...{ ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", selector: { app: `s${s}` } },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30000 + s }],
      },
    })),
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

export function describeGrid(size: GridSize): Described {
  const text = gridText(size);
  const load = (report: Parameters<typeof loadSpecs>[1]): ReturnType<typeof loadSpecs> =>
    loadSpecs([{ name: "cluster.json", text }], report);
  const { resolved } = resolveInput(load, {}, {}, resolveConfigs);
  return describeNetwork(required(resolved, "the cluster has no errors"));
}

/** The cluster IP of the Service of that number. */
export function serviceAddress(s: number): Address {
  return addressOf(addressText(s));
}

function addressText(s: number): string {
  return `10.96.${Math.floor(s / 250)}.${1 + (s % 250)}`;
}
