/** Clusters with several features: of every ten Services one has a node port, one session affinity, and half have both families. */
import type { Manifest } from "../../test/support/arbitraries.ts";

const FIRST_NODE_PORT = 30_000;

/** `list`: the objects as kubectl prints them. */
export function mixFeatures(list: string): string {
  const { items, ...rest } = JSON.parse(list) as { readonly items: readonly Manifest[] };
  const services = new Map<string, number>();
  const mixed = items.flatMap((object) => {
    const {
      namespace,
      name,
      labels = {},
    } = object["metadata"] as {
      readonly namespace: string;
      readonly name: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
    if (object["kind"] === "Service") {
      services.set(`${namespace}/${name}`, services.size);
      return [serviceOf(object, services.size - 1)];
    }
    const number = services.get(`${namespace}/${labels["kubernetes.io/service-name"]}`) ?? 0;
    return number % 2 === 0 ? [object, ofIpv6(object)] : [object];
  });
  return JSON.stringify({ ...rest, items: mixed });
}

function serviceOf(object: Manifest, number: number): Manifest {
  const spec = object["spec"] as Manifest;
  const ports = spec["ports"] as readonly Manifest[];
  const [address] = spec["clusterIPs"] as readonly string[];
  const families = {
    clusterIPs: [address, `fd00:96::${number.toString(16)}`],
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "PreferDualStack",
  };
  const nodePort = FIRST_NODE_PORT + number / 10;
  return {
    ...object,
    spec: {
      ...spec,
      ...(number % 2 === 0 ? families : {}),
      ...(number % 10 === 0 ? { type: "NodePort", ports: ports.map((port) => ({ ...port, nodePort })) } : {}),
      ...(number % 10 === 1 ? { sessionAffinity: "ClientIP" } : {}),
    },
  };
}

/** The same slice for the other family. */
function ofIpv6(slice: Manifest): Manifest {
  const metadata = slice["metadata"] as Manifest;
  const endpoints = slice["endpoints"] as readonly { readonly addresses: readonly string[] }[];
  return {
    ...slice,
    metadata: { ...metadata, name: `${String(metadata["name"])}-ipv6` },
    addressType: "IPv6",
    endpoints: endpoints.map((endpoint) => ({
      ...endpoint,
      addresses: endpoint.addresses.map((address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
        return `fd00:176::${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      }),
    })),
  };
}
