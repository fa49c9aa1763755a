/** Random clusters with many ports: what one Service port costs is then seen in the shape of the rules. */
import fc from "fast-check";
import {
  type ClusterInput,
  consistent,
  type Manifest,
  type PortDraft,
  proxySettings,
  SERVICE_PROTOCOLS,
  type ServiceDraft,
  type ServiceFamily,
  serviceDraft,
  toManifests,
  weighted,
} from "./arbitraries.ts";

/** How the ports of a dense cluster lie. */
interface Layout {
  readonly protocols: readonly PortDraft["protocol"][];
  /** Between a port and the next one: 1 makes ranges of ports side by side. */
  readonly stride: number;
  readonly firstPort: number;
}

const layout: fc.Arbitrary<Layout> = fc.record({
  protocols: fc.array(fc.constantFrom(...SERVICE_PROTOCOLS), { minLength: 1, maxLength: 4 }),
  stride: weighted([3, 1], [1, 2]),
  firstPort: weighted([1, 1], [2, 80], [1, 8000], [1, 65000]),
});

/** Hundreds of Services that are alike, with a port each, beside Services with up to 100 ports. No two Services claim
 *  the same address or node port. */
export const denseCluster: fc.Arbitrary<ClusterInput> = fc
  .record({
    layout,
    crowd: weighted([1, 0], [2, 17], [2, 100], [1, 300]),
    alike: serviceDraft,
    wide: fc.array(fc.record({ draft: serviceDraft, ports: fc.integer({ min: 1, max: 100 }) }), {
      minLength: 1,
      maxLength: 2,
    }),
    proxy: proxySettings,
    mode: fc.constantFrom<ClusterInput["mode"]>("nftables", "iptables"),
  })
  .map(({ layout, crowd, alike, wide, proxy, mode }) => {
    let ports = 0;
    const take = (count: number): PortDraft[] => Array.from({ length: count }, () => portAt(ports++, count, layout));
    const drafts: ServiceDraft[] = [
      ...wide.map(({ draft, ports: count }) => ({ ...draft, ports: take(count) })),
      ...Array.from({ length: crowd }, () => ({ ...alike, externalIPs: [], ingress: [], ports: take(1) })),
    ];
    return { objects: drafts.map(consistent).flatMap(manifestsOf), proxy, mode };
  });

/** The port with number `index` of all, of a Service with `count` ports. */
function portAt(index: number, count: number, { protocols, stride, firstPort }: Layout): PortDraft {
  return {
    name: count === 1 ? "" : `p${index}`,
    protocol: protocols[index % protocols.length] ?? "TCP",
    port: firstPort + ((index * stride) % (65536 - firstPort)),
    nodePort: 30000 + index * stride,
  };
}

function manifestsOf(draft: ServiceDraft, index: number): Manifest[] {
  return toManifests({ ...draft, label: undefined }, index, (family) => clusterIpAt(family, index));
}

function clusterIpAt(family: ServiceFamily, index: number): string {
  return family === "IPv4"
    ? `172.30.${40 + (index >> 8)}.${index & 255}`
    : `fd00:10:96::${(0x400 + index).toString(16)}`;
}
