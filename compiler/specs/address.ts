/** Addresses and address blocks in fields (apimachinery's util/validation/ip.go, ValidateNonSpecialIP). */
import {
  type Address,
  type Family,
  hasLeadingZero,
  type Ipv4,
  isIpv4Mapped,
  parseAddress,
  printAddress,
  printIpv4,
} from "../net/address.ts";
import { hostPrefix, type Prefix, parsePrefix, printPrefix } from "../net/prefix.ts";
import { type Context, reportField, reportInvalid } from "./decode.ts";
import type { Node } from "./node.ts";

/** Makes the node of a value; called only when there is something to report. */
type NodeOf = () => Node;

/** The address in `text`. IPv4 octets with leading zeros are decimal, as kube-proxy reads them. Reports what is no
 *  address, IPv4-mapped IPv6, and `leading-zeros`. */
export function decodeAddress(context: Context, text: string, at: NodeOf): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined) {
    reportInvalid(context, at(), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    return undefined;
  }
  return isUsual(context, text, address, at) ? address : undefined;
}

/** The same for an address of `family`. */
export function decodeAddressOf(context: Context, family: Family, text: string, at: NodeOf): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined || (typeof address === "number") !== (family === "IPv4")) {
    reportInvalid(context, at(), `must be a valid ${family} address`);
    return undefined;
  }
  return isUsual(context, text, address, at) ? address : undefined;
}

function isUsual(context: Context, text: string, address: Address, at: NodeOf): boolean {
  if (typeof address === "number") {
    if (hasLeadingZero(text)) {
      const better = `use ${JSON.stringify(printAddress(address))}`;
      const body = `non-standard IP address ${JSON.stringify(text)} will be considered invalid in a future Kubernetes release: ${better}`;
      reportField(context, at(), "leading-zeros", body, "warning");
    }
    return true;
  }
  if (!isIpv4Mapped(address)) return true;
  const better = printIpv4(Number(address & 0xffffffffn) as Ipv4);
  reportInvalid(context, at(), `must not be an IPv4-mapped IPv6 address: use "${better}"`);
  return false;
}

/** Reports an address that cannot be an endpoint or an external IP. */
export function checkNotSpecial(context: Context, address: Address, at: NodeOf): void {
  const problem = typeof address === "number" ? specialIpv4(address) : specialIpv6(address);
  if (problem !== undefined) reportInvalid(context, at(), problem);
}

const LOOPBACK = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
const LINK_LOCAL = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
const LINK_LOCAL_MULTICAST = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";

function specialIpv4(address: number): string | undefined {
  if (address === 0) return "may not be unspecified (0.0.0.0)";
  if (address >>> 24 === 127) return LOOPBACK;
  if (address >>> 16 === 0xa9fe) return LINK_LOCAL;
  return address >>> 8 === 0xe00000 ? LINK_LOCAL_MULTICAST : undefined;
}

function specialIpv6(address: bigint): string | undefined {
  if (address === 0n) return "may not be unspecified (::)";
  if (address === 1n) return LOOPBACK;
  if (address >> 118n === 0x3fan) return LINK_LOCAL;
  return ((address >> 112n) & 0xff0fn) === 0xff02n ? LINK_LOCAL_MULTICAST : undefined;
}

/** The block in `text`, white space around it left out. Reports what is no block, `host-bits` and `leading-zeros`. Host
 *  bits are an error, although older API servers let them pass with a warning and kube-proxy masks them away: one of two
 *  things was meant, and for source ranges the difference is who gets in. */
export function decodePrefix(context: Context, text: string, at: NodeOf): Prefix | undefined {
  const trimmed = text.trim();
  const prefix = parsePrefix(trimmed);
  if ("kind" in prefix && prefix.kind === "not-a-prefix") {
    reportInvalid(context, at(), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    return undefined;
  }
  const masked = "kind" in prefix ? prefix.masked : prefix;
  const [addressText = "", lengthText = ""] = trimmed.split("/");
  const address = parseAddress(addressText) ?? masked.address;
  if (isIpv4Mapped(address)) {
    reportInvalid(context, at(), "must not have an IPv4-mapped IPv6 address");
    return undefined;
  }
  if ("kind" in prefix) {
    const single = printPrefix(hostPrefix(address));
    const body = `CIDR value ${JSON.stringify(trimmed)} is ambiguous in this context (should be "${printPrefix(masked)}" or "${single}"?)`;
    reportField(context, at(), "host-bits", body, "error");
    return undefined;
  }
  if (hasLeadingZero(addressText) || /^0[0-9]/.test(lengthText)) {
    const body = `non-standard CIDR value ${JSON.stringify(trimmed)} will be considered invalid in a future Kubernetes release: use "${printPrefix(masked)}"`;
    reportField(context, at(), "leading-zeros", body, "warning");
  }
  return masked;
}
