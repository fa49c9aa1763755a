/** Interfaces as `ip -j addr` and `ip -j link` print them, with and without `-d`. */
import type { Origin, Report } from "../diagnostics.ts";
import { asArray, asBoolean, asObject, asOneOf, asString, type Context } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, type Family, printAddress } from "../net/address.ts";
import type { InterfaceAddress } from "../network/types.ts";
import { asScope } from "./scope.ts";
import { asAddress, asNumber, asTexts, withMember } from "./values.ts";

/** An interface as one file has it; undefined: the file does not say. */
export interface LinkFacts {
  readonly name: string;
  readonly index: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly isMaster: boolean;
  readonly mtu: number;
  readonly master: string | undefined;
  /** `ether`, `loopback`, `ipip`, `none`: what its frames are like. */
  readonly linkType: string | undefined;
  /** `bridge`, `vxlan`, `veth`: the driver's name; undefined also for real devices. */
  readonly kind: string | undefined;
  /** The driver's name of what it is a port of. */
  readonly masterKind: string | undefined;
  readonly isDetailed: boolean;
  readonly bridge: BridgeFacts | undefined;
  readonly port: PortFacts | undefined;
  readonly tunnel: TunnelFacts | undefined;
  /** A program decides about its packets before the kernel does (XDP). */
  readonly program: Origin | undefined;
  readonly addresses: readonly InterfaceAddress[] | undefined;
  /** Of its name. */
  readonly origin: Origin;
  /** Of what the driver is. */
  readonly kindOrigin: Origin | undefined;
}

/** A port of a bridge; undefined: the command did not print it. */
export interface PortFacts {
  readonly hairpin: boolean | undefined;
  readonly isolated: boolean | undefined;
  readonly state: string | undefined;
  readonly origin: Origin;
}

/** Switches of a bridge itself. */
export interface BridgeFacts {
  /** It gives packets to the rules whatever the sysctl says. */
  readonly netfilter: Readonly<Record<Family, boolean>>;
  readonly filtersVlans: boolean;
  readonly origin: Origin;
}

/** A tunnel's own end and its other one; undefined: not printed, or any. */
export interface TunnelFacts {
  readonly local: Address | undefined;
  readonly remote: Address | undefined;
  /** UDP port. */
  readonly port: number | undefined;
  /** The interface that its packets leave by. */
  readonly under: string | undefined;
  /** A program or Open vSwitch chooses the ends for each packet. */
  readonly isExternal: boolean;
  readonly origin: Origin;
}

/** The interfaces of a list, in its order. Reports members of wrong types and leaves such an interface out. */
export function readLinks(entries: readonly Field[], root: Field, report: Report): readonly LinkFacts[] {
  const context: Context = { report, root, subject: "an interface" };
  return withMember(context, entries, "ifname").flatMap(({ entry, member }) => readLink(context, entry, member) ?? []);
}

function readLink(context: Context, entry: Field, nameField: Field): LinkFacts | undefined {
  const name = asString(context, nameField);
  const index = asNumber(context, entry.get("ifindex"));
  const mtu = asNumber(context, entry.get("mtu"));
  if (name === undefined || mtu === undefined) return undefined;
  const flags = new Set(asTexts(context, entry.get("flags")));
  const info = asObject(context, entry.get("linkinfo"));
  const kindField = info?.get("info_kind");
  const slave = asObject(context, info?.get("info_slave_data"));
  const masterKind = asString(context, info?.get("info_slave_kind"));
  const kind = asString(context, kindField);
  const data = asObject(context, info?.get("info_data"));
  const linkType = asString(context, entry.get("link_type"));
  const list = entry.get("addr_info");
  return {
    name,
    index: index ?? 0,
    isUp: flags.has("UP"),
    hasCarrier: flags.has("LOWER_UP"),
    isMaster: flags.has("MASTER"),
    mtu,
    master: asString(context, entry.get("master")),
    linkType,
    kind,
    masterKind,
    isDetailed: info !== undefined || entry.get("promiscuity") !== undefined,
    bridge: data === undefined || kind !== "bridge" ? undefined : readBridge(context, data),
    port: slave === undefined || masterKind !== "bridge" ? undefined : readPort(context, slave),
    tunnel: kind === "vxlan" || linkType === "ipip" ? readTunnel(context, entry, data) : undefined,
    program: entry.get("xdp"),
    addresses:
      list === undefined
        ? undefined
        : withMember(context, asArray(context, list), "local").flatMap(
            ({ entry: each, member }) => readAddress(context, each, member) ?? [],
          ),
    origin: nameField,
    kindOrigin: kindField,
  };
}

function readBridge(context: Context, data: Field): BridgeFacts {
  const isOn = (key: string): boolean => (asNumber(context, data.get(key)) ?? 0) > 0;
  return {
    netfilter: { IPv4: isOn("nf_call_iptables"), IPv6: isOn("nf_call_ip6tables") },
    filtersVlans: isOn("vlan_filtering"),
    origin: data.get("nf_call_iptables") ?? data,
  };
}

/** Without details, IPIP has its ends as link-layer addresses. */
function readTunnel(context: Context, entry: Field, data: Field | undefined): TunnelFacts {
  const end = (...fields: readonly (Field | undefined)[]): Address | undefined => {
    const field = fields.find((each) => each !== undefined && each.value !== "any");
    const address = asAddress(context, field);
    return address === undefined || BigInt(address) === 0n ? undefined : address;
  };
  return data === undefined
    ? { ...NO_DETAILS, local: end(entry.get("address")), remote: end(entry.get("broadcast")), origin: entry }
    : {
        local: end(data.get("local"), data.get("local6")),
        remote: end(data.get("remote"), data.get("remote6")),
        port: asNumber(context, data.get("port")),
        under: asString(context, data.get("link")),
        isExternal: ["external", "collect_metadata"].some((key) => asBoolean(context, data.get(key)) === true),
        origin: data.get("local") ?? data.get("local6") ?? data,
      };
}

const NO_DETAILS = { port: undefined, under: undefined, isExternal: false };

/** A port, from an entry of `bridge -d link` or the details that `ip -d link` has of it. */
export function readPort(context: Context, data: Field): PortFacts {
  return {
    hairpin: asBoolean(context, data.get("hairpin")),
    isolated: asBoolean(context, data.get("isolated")),
    state: asOneOf(context, data.get("state"), PORT_STATES),
    origin: data.get("hairpin") ?? data.get("state") ?? data,
  };
}

const PORT_STATES = ["disabled", "listening", "learning", "forwarding", "blocking"] as const;

function readAddress(context: Context, info: Field, local: Field): InterfaceAddress | undefined {
  const peer = info.get("address");
  const address = asAddress(context, local);
  const length = asNumber(context, info.get("prefixlen"));
  const scope = asScope(context, info.get("scope"));
  const other = asAddress(context, peer);
  const isSecondary = asBoolean(context, info.get("secondary"));
  const isDeprecated = asBoolean(context, info.get("deprecated"));
  if (address === undefined || length === undefined || scope === undefined) return undefined;
  if (asBoolean(context, info.get("dadfailed")) === true) {
    const message = `kpc leaves out address ${printAddress(address)}: another host has it too, so that Linux does not use it`;
    context.report({ severity: "warning", code: "unsupported-network", message, origin: local });
    return undefined;
  }
  return {
    address,
    length,
    scope,
    ...(isSecondary === true ? { isSecondary: true } : {}),
    ...(typeof address === "bigint" && isDeprecated === true ? { isDeprecated: true } : {}),
    ...(other === undefined ? {} : { peer: other }),
    provenance: { origin: local },
  };
}
