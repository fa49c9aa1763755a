/** The router between the nodes and the world, and the ports that it forwards. */
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  type Context,
  reportDuplicate,
  reportInvalid,
  reportMissing,
  reportUnsupported,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { addressBits, familyOf, parseAddress } from "../net/address.ts";
import { asPort, type Port, parsePort } from "../net/port.ts";
import { PROTOCOLS, type Protocol } from "../net/protocol.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import type { AddressInSubnet, GatewaySpec, PortForwardSpec } from "./network-types.ts";
import { asAddress, asOneOrMore, located } from "./network-values.ts";
import { PORT_RANGE, protocolWord } from "./port.ts";

export const GATEWAY_MEMBERS: ReadonlySet<string> = new Set([
  "inside",
  "outside",
  "masquerade",
  "forwards",
  "knowsPods",
]);

/** `gateway` of a Cluster. */
export function decodeGateway(context: Context, field: Field): GatewaySpec {
  checkMembers(context, field, GATEWAY_MEMBERS);
  return {
    inside: asOneOrMore(context, field, ["inside"], asAddress),
    outside: asOneOrMore(context, field, ["outside"], asAddressInSubnet),
    masquerade: located(field.get("masquerade"), (at) => asBoolean(context, at)),
    forwards: decodeForwards(context, field.get("forwards")),
    knowsPods: located(field.get("knowsPods"), (at) => asBoolean(context, at)),
    field,
  };
}

/** `198.51.100.1/24`: host bits are what it is about. */
function asAddressInSubnet(context: Context, field: Field): AddressInSubnet | undefined {
  const text = asString(context, field);
  if (text === undefined) return undefined;
  const [, addressText = "", lengthText = ""] = /^([^/]*)\/([0-9]{1,3})$/.exec(text) ?? [];
  const address = parseAddress(addressText);
  const length = Number(lengthText);
  if (address !== undefined && length <= addressBits(familyOf(address))) return { address, length };
  reportInvalid(context, field, "must be an IP address with its prefix length, such as 198.51.100.1/24");
  return undefined;
}

// --- port forwards -----------------------------------------------------------------------------------------------------

export const FORWARD_MEMBERS: ReadonlySet<string> = new Set(["protocol", "port", "to"]);

function decodeForwards(context: Context, list: Field | undefined): readonly PortForwardSpec[] {
  const firsts = new Map<string, Field>();
  return asArray(context, list).flatMap((item): readonly PortForwardSpec[] => {
    const field = asObject(context, item);
    const forward = field === undefined ? undefined : decodeForward(context, field);
    if (forward === undefined) return [];
    const key = `${forward.port}/${forward.protocol}`;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, forward.field);
    else reportDuplicate(context, forward.field.member("port"), first.member("port"), key);
    return [forward];
  });
}

function decodeForward(context: Context, field: Field): PortForwardSpec | undefined {
  checkMembers(context, field, FORWARD_MEMBERS);
  const [protocol, port] = [asProtocol(context, field.get("protocol")), asPortNumber(context, field, "port")];
  const to = field.get("to");
  if (to === undefined) reportMissing(context, field, "to", `expected ${FORM}`);
  const target = to === undefined ? undefined : asTarget(context, to);
  if (protocol === undefined || port === undefined || target === undefined) return undefined;
  return { protocol, port, ...target, field };
}

/** Absent: TCP. Lower case is as good here. */
function asProtocol(context: Context, field: Field | undefined): Protocol | undefined {
  if (field === undefined) return "tcp";
  const text = asString(context, field);
  const protocol = PROTOCOLS.find((each) => each === text?.toLowerCase());
  if (text !== undefined && protocol === undefined) reportUnsupported(context, field, PROTOCOLS.map(protocolWord));
  return protocol;
}

function asPortNumber(context: Context, parent: Field, key: string): Port | undefined {
  const field = parent.get(key);
  if (field === undefined) reportMissing(context, parent, key);
  const number = asInteger(context, field);
  const port = number === undefined ? undefined : asPort(number);
  if (field !== undefined && number !== undefined && port === undefined) reportInvalid(context, field, PORT_RANGE);
  return port;
}

const FORM = "the name of a Node or an address, and a port, such as node-1:30123 or 192.168.0.2:80";

/** `node-1:30123`, `192.168.0.2:80` or `[fd00::2]:80`. */
function asTarget(context: Context, field: Field): Pick<PortForwardSpec, "to" | "toPort"> | undefined {
  const text = asString(context, field);
  if (text === undefined) return undefined;
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]+)$/.exec(text) ?? [];
  if (portText === undefined) {
    reportInvalid(context, field, `must be ${FORM}`);
    return undefined;
  }
  const toPort = parsePort(portText);
  const to = bracketed ?? plain;
  const isAddress = parseAddress(to) !== undefined;
  const isName = bracketed === undefined && dns1123SubdomainProblems(to).length === 0;
  if (toPort === undefined) reportInvalid(context, field, `the port ${PORT_RANGE}`);
  if (!isAddress && !isName) reportInvalid(context, field, `must be ${FORM}`);
  return toPort === undefined || !(isAddress || isName) ? undefined : { to, toPort };
}
