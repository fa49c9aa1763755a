import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asOneOf,
  asString,
  type Context,
  reportInvalid,
  reportMissing,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { type Address, parseAddress, printAddressPort } from "../net/address.ts";
import { isInterfaceName } from "../net/interface-name.ts";
import { parsePort } from "../net/port.ts";
import { PROTOCOLS } from "../net/protocol.ts";
import { decodeConfig } from "../node/decode.ts";
import { MODES } from "../node/settings.ts";
import type { Case, Expectation, Flow, FlowEnd } from "./types.ts";

const CASE_MEMBERS = new Set(["name", "description", "source", "basis", "modes", "proxy", "objects", "files", "flows"]);
const FLOW_MEMBERS = new Set(["name", "protocol", "origin", "from", "to", "port", "inInterface", "expect", "inferred"]);
const EXPECT_MEMBERS = new Set(["verdict", "endpoints", "masquerade", "masqueradeEndpoints", "sticky", "note"]);

/** The case in a document. Reports what is wrong and gives undefined then. */
export function decodeCase(context: Context, node: Field): Case | undefined {
  if (asObject(context, node) === undefined) return undefined;
  checkMembers(context, node, CASE_MEMBERS);
  const name = asString(context, node.get("name"));
  if (name === undefined) reportMissing(context, node, "name");
  const modes = asArray(context, node.get("modes")).flatMap((mode) => asOneOf(context, mode, MODES) ?? []);
  const proxy = asObject(context, node.get("proxy"));
  if (node.get("flows") === undefined) reportMissing(context, node, "flows");
  return {
    name: name ?? "",
    modes: node.get("modes") === undefined ? MODES : modes,
    config: proxy === undefined ? {} : decodeConfig(context, proxy, false),
    objects: asArray(context, node.get("objects")),
    files: asArray(context, node.get("files")).flatMap((file) => {
      const path = asString(context, file);
      return path === undefined ? [] : [{ path, node: file }];
    }),
    flows: asArray(context, node.get("flows")).flatMap((flow) => decodeFlow(context, flow) ?? []),
  };
}

function decodeFlow(context: Context, node: Field): Flow | undefined {
  if (asObject(context, node) === undefined) return undefined;
  checkMembers(context, node, FLOW_MEMBERS);
  for (const key of ["protocol", "origin", "from", "to", "port", "expect"]) {
    if (node.get(key) === undefined) reportMissing(context, node, key);
  }
  const protocol = asOneOf(context, node.get("protocol"), PROTOCOLS);
  const origin = asOneOf(context, node.get("origin"), ["pod", "node", "loopback", "external"]);
  const from = decodeEnd(context, node.get("from"));
  const to = decodeEnd(context, node.get("to"));
  const port = decodePort(context, node.get("port"), to);
  const expect = decodeExpectation(context, node.get("expect"));
  const inInterface = asString(context, node.get("inInterface"));
  if (inInterface !== undefined && !isInterfaceName(inInterface))
    reportInvalid(context, node.member("inInterface"), "must be an interface name");
  if (isAddress(from) && isAddress(to) && typeof from !== typeof to) {
    reportInvalid(context, node.member("to"), "must be of the same family as from");
  }
  if (
    protocol === undefined ||
    origin === undefined ||
    from === undefined ||
    to === undefined ||
    port === undefined ||
    expect === undefined
  ) {
    return undefined;
  }
  const name = asString(context, node.get("name")) ?? "";
  return { name, origin, protocol, from, to, port, inInterface, expect, node };
}

function decodeExpectation(context: Context, node: Field | undefined): Expectation | undefined {
  if (node === undefined || asObject(context, node) === undefined) return undefined;
  checkMembers(context, node, EXPECT_MEMBERS);
  if (node.get("verdict") === undefined) reportMissing(context, node, "verdict");
  const verdict = asOneOf(context, node.get("verdict"), ["dnat", "accept", "drop", "reject", "pass"]);
  if (verdict === "dnat" && node.get("endpoints") === undefined) reportMissing(context, node, "endpoints");
  const sticky = asObject(context, node.get("sticky"));
  const masquerade = asBoolean(context, node.get("masquerade")) ?? false;
  if (masquerade && node.get("masqueradeEndpoints") !== undefined) {
    reportInvalid(context, node.member("masqueradeEndpoints"), "only with masquerade: false");
  }
  if (verdict === undefined) return undefined;
  return {
    verdict,
    endpoints: decodeEndpoints(context, node.get("endpoints")),
    masquerade,
    masqueradeEndpoints: decodeEndpoints(context, node.get("masqueradeEndpoints")),
    stickySeconds: asInteger(context, sticky?.get("timeoutSeconds")),
  };
}

function decodeEnd(context: Context, node: Field | undefined): FlowEnd | undefined {
  const text = asString(context, node);
  if (text === undefined || node === undefined) return undefined;
  if (/^(pod|svc|node)\//.test(text)) return { value: text, field: node };
  const address = parseAddress(text);
  if (address === undefined)
    reportInvalid(context, node, "must be an IP address, pod/NAMESPACE/NAME, svc/NAMESPACE/NAME or node/NAME");
  return address;
}

function isAddress(end: FlowEnd | undefined): end is Address {
  return end !== undefined && typeof end !== "object";
}

/** A number; of a Service also a name. */
function decodePort(context: Context, node: Field | undefined, to: FlowEnd | undefined): number | string | undefined {
  if (typeof node?.value === "string" && typeof to === "object" && to.value.startsWith("svc/")) return node.value;
  const port = asInteger(context, node);
  if (port !== undefined && node !== undefined && parsePort(String(port)) === undefined)
    reportInvalid(context, node, "must be between 1 and 65535, inclusive");
  return port;
}

/** `10.0.0.1:80` or `[fd00::1]:80`, in one spelling each. */
function decodeEndpoints(context: Context, node: Field | undefined): string[] {
  return asArray(context, node)
    .flatMap((item) => {
      const text = asString(context, item);
      if (text === undefined) return [];
      const [, bracketed, plain, portText] = /^(?:\[(.*)\]|([^:]*)):([0-9]+)$/.exec(text) ?? [];
      const address = parseAddress(bracketed ?? plain ?? "");
      const port = parsePort(portText ?? "");
      if (address !== undefined && port !== undefined) return [printAddressPort(address, port)];
      reportInvalid(context, item, "must be address:port, such as 10.0.0.1:80 or [fd00::1]:80");
      return [];
    })
    .sort();
}
