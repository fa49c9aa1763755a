/** Addresses and address blocks in fields (apimachinery's util/validation/ip.go, ValidateNonSpecialIP). */
import type { DiagnosticCode } from "../diagnostics.ts";
import { type Context, reportField, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { show } from "../documents/show.ts";
import {
  type Address,
  addressBits,
  type Family,
  familyOf,
  hasLeadingZero,
  type Ipv4,
  isIpv4Mapped,
  parseAddress,
  printAddress,
} from "../net/address.ts";
import { hostPrefix, maskAddress, type Prefix, printPrefix } from "../net/prefix.ts";

/** Makes the field of a value; called only when there is something to report. */
type FieldOf = () => Field;

/** The address in `text`, as kube-proxy reads it: IPv4 octets with leading zeros are decimal, an IPv4-mapped IPv6 address is
 *  the IPv4 address. Reports what is not an address, and warns of `leading-zeros`, `ipv4-mapped` and `non-canonical`, which
 *  an API server may have stored. */
export function decodeAddress(context: Context, text: string, at: FieldOf): Address | undefined {
  const address = parseStored(text);
  if (address === undefined) {
    reportInvalid(context, at(), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    return undefined;
  }
  return usual(context, text, address, at);
}

/** An address of `family`; an IPv4-mapped one is of IPv4. */
export function decodeAddressOf(context: Context, family: Family, text: string, at: FieldOf): Address | undefined {
  const address = parseStored(text);
  const isMapped = address !== undefined && isIpv4Mapped(address);
  const found = address === undefined ? undefined : isMapped ? "IPv4" : familyOf(address);
  if (address === undefined || found !== family) {
    const hint = isMapped ? `, not an IPv4-mapped one: use "${printAddress(unmapped(address))}"` : "";
    reportInvalid(context, at(), `must be a valid ${family} address${hint}`);
    return undefined;
  }
  return usual(context, text, address, at);
}

/** The address that `decodeAddressOf` gives; undefined where that has something to report. */
export function soundAddressOf(family: Family, text: string): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined || familyOf(address) !== family) return undefined;
  const isUsual =
    typeof address === "number" ? !hasLeadingZero(text) : !isIpv4Mapped(address) && printAddress(address) === text;
  return isUsual ? address : undefined;
}

/** The address in `text`, also where the dotted tail of an IPv6 address has leading zeros. */
function parseStored(text: string): Address | undefined {
  const tail = text.includes(":") ? /^(.*:)([0-9]+(?:\.[0-9]+){3})$/.exec(text) : null;
  return parseAddress(tail === null ? text : `${tail[1]}${(tail[2] ?? "").split(".").map(Number).join(".")}`);
}

/** The IPv4 address that an IPv4-mapped one stands for; other addresses as they are. */
function unmapped(address: Address): Address {
  return typeof address === "bigint" && isIpv4Mapped(address) ? (Number(address & 0xffffffffn) as Ipv4) : address;
}

function usual(context: Context, text: string, address: Address, at: FieldOf): Address {
  if (typeof address === "number" && !hasLeadingZero(text)) return address;
  const value = unmapped(address);
  const better = printAddress(value);
  const warn = (code: DiagnosticCode, body: string): void => reportField(context, at(), code, body, "warning");
  if (value !== address || (typeof value === "number" && hasLeadingZero(text))) {
    const code = value === address ? "leading-zeros" : "ipv4-mapped";
    warn(
      code,
      `non-standard IP address ${show(text)} will be considered invalid in a future Kubernetes release: use "${better}"`,
    );
  } else if (better !== text) {
    warn("non-canonical", `IPv6 address ${show(text)} should be in RFC 5952 canonical format ("${better}")`);
  }
  return value;
}

/** Reports an address that cannot be an endpoint or an external IP. */
export function checkNotSpecial(context: Context, address: Address, at: FieldOf): void {
  const problem = specialProblem(address);
  if (problem !== undefined) reportInvalid(context, at(), problem);
}

/** Why an address cannot be an endpoint or an external IP; undefined: it can. */
export function specialProblem(address: Address): string | undefined {
  return typeof address === "number" ? specialIpv4(address) : specialIpv6(address);
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

/** The block in `text`, white space around it left out, as kube-proxy reads it: host bits are masked away, a block of
 *  IPv4-mapped addresses is a block of IPv4. Reports what is not a block, and warns of `host-bits`, `leading-zeros`,
 *  `ipv4-mapped` and `non-canonical`, which an API server may have stored. */
export function decodePrefix(context: Context, text: string, at: FieldOf): Prefix | undefined {
  const trimmed = text.trim();
  const [addressText = "", lengthText = ""] = trimmed.split("/");
  const written = parseStored(addressText);
  const length = Number(lengthText);
  if (written === undefined || trimmed.split("/").length !== 2 || !isLength(lengthText, written)) {
    reportInvalid(context, at(), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    return undefined;
  }
  const isMapped = isIpv4Mapped(written) && length >= MAPPED_LENGTH;
  const address = isMapped ? unmapped(written) : written;
  const wanted = isMapped ? length - MAPPED_LENGTH : length;
  const prefix = { address: maskAddress(address, wanted), length: wanted };
  const better = printPrefix(prefix);
  const warn = (code: DiagnosticCode, body: string): void => reportField(context, at(), code, body, "warning");
  if (prefix.address !== address) {
    const choice = `should be "${better}" or "${printPrefix(hostPrefix(address))}"?`;
    warn("host-bits", `CIDR value ${show(trimmed)} is ambiguous in this context (${choice}): read as "${better}"`);
  }
  const isOld = (typeof address === "number" && hasLeadingZero(addressText)) || /^0[0-9]/.test(lengthText);
  if (isIpv4Mapped(written) || isOld) {
    const code = isOld ? "leading-zeros" : "ipv4-mapped";
    warn(
      code,
      `non-standard CIDR value ${show(trimmed)} will be considered invalid in a future Kubernetes release: use "${better}"`,
    );
  } else if (prefix.address === address && better !== trimmed) {
    warn("non-canonical", `IPv6 CIDR value ${show(trimmed)} should be in RFC 5952 canonical format ("${better}")`);
  }
  return prefix;
}

/** Leading bits that all IPv4-mapped addresses have in common. */
const MAPPED_LENGTH = 96;

function isLength(text: string, address: Address): boolean {
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= addressBits(familyOf(address));
}
