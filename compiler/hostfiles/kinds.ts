/** What kind of interface a driver makes, as far as routing tells them apart. */
import type { Report } from "../diagnostics.ts";
import type { HostInterface } from "../network/network.ts";
import type { LinkFacts } from "./links.ts";

/** The kind of an interface, and why it is taken for that where its file does not say. */
export interface LinkKind {
  readonly kind: HostInterface["kind"];
  readonly inferred?: string;
}

/** Drivers of tunnels: what they carry comes out at their other end, which kpc does not follow. */
const OTHER_TUNNELS: ReadonlySet<string> = new Set([
  "erspan",
  "geneve",
  "gre",
  "gretap",
  "gtp",
  "ip6erspan",
  "ip6gre",
  "ip6gretap",
  "ip6tnl",
  "l2tpeth",
  "ppp",
  "sit",
  "tun",
  "vti",
  "vti6",
  "wireguard",
  "xfrm",
]);

/** What other files tell of an interface that is printed without details. */
export interface OtherSigns {
  readonly isBridge: boolean;
  readonly isVxlan: boolean;
}

/** The kind of `link`. Reports `unsupported-network` for tunnels that kpc does not follow and that are in use. */
export function kindOf(link: LinkFacts, signs: OtherSigns, report: Report): LinkKind {
  const { kind, linkType, isDetailed, isMaster } = link;
  if (linkType === "loopback" || link.name === "lo") return { kind: "loopback" };
  if (kind === "bridge" || kind === "vxlan" || kind === "ipip") return { kind };
  if (kind !== undefined) {
    if (OTHER_TUNNELS.has(kind) && isUsed(link))
      report({
        severity: "warning",
        code: "unsupported-network",
        message: `interface ${link.name} is a tunnel of kind ${kind}: kpc does not follow packets through it`,
        origin: link.kindOrigin ?? link.origin,
      });
    return { kind: "ethernet" };
  }
  if (linkType === "ipip") return { kind: "ipip" };
  if (isDetailed || isMaster) return { kind: "ethernet" };
  if (signs.isVxlan) return { kind: "vxlan", inferred: "bridge fdb has outer addresses for it" };
  if (signs.isBridge) return { kind: "bridge", inferred: "other interfaces have it as their master" };
  return { kind: "ethernet", inferred: "without ip -d no kind is printed" };
}

/** The kernel makes one tunnel of each kind by itself: down, or without an address. */
function isUsed({ isUp, addresses }: LinkFacts): boolean {
  return isUp && addresses !== undefined && addresses.length > 0;
}
