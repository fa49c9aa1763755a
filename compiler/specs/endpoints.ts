import { checkNotSpecial, decodeAddress } from "./address.ts";
import { type Context, checkRequired, checkText, reportField } from "./decode.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems, qualifiedNameProblems } from "./names.ts";
import type { Node } from "./node.ts";
import { checkPortNames, decodePort, decodeProtocol } from "./port.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { EndpointAddressSpec, EndpointPortSpec, EndpointSubsetSpec, EndpointsSpec } from "./types.ts";

const ADDRESS = { hostname: "string", ip: "string", nodeName: "string", targetRef: "object" } as const;
const PORT = { appProtocol: "string", name: "string", port: "integer", protocol: "string" } as const;
const SUBSET = { addresses: [ADDRESS], notReadyAddresses: [ADDRESS], ports: [PORT] } as const;

export const ENDPOINTS = pattern({ apiVersion: "string", kind: "string", metadata: METADATA, subsets: [SUBSET] });

/** An Endpoints object (v1), after pkg/apis/core/validation. */
export function decodeEndpoints(context: Context, root: Node): EndpointsSpec | undefined {
  const endpoints = readShape(context, root, ENDPOINTS);
  if (endpoints === undefined) return undefined;
  const meta = decodeMeta(context, root, endpoints.metadata, true, dns1123SubdomainProblems);
  const list = root.member("subsets");
  const subsets = (endpoints.subsets ?? []).map((subset, index) => decodeSubset(context, list.item(index), subset));
  return meta === undefined ? undefined : { meta, subsets };
}

function decodeSubset(context: Context, node: Node, fields: Fitting<typeof SUBSET>): EndpointSubsetSpec {
  const { addresses, notReadyAddresses, ports } = fields;
  const subset = {
    addresses: decodeAddresses(context, node.member("addresses"), addresses ?? []),
    notReadyAddresses: decodeAddresses(context, node.member("notReadyAddresses"), notReadyAddresses ?? []),
    ports: decodePorts(context, node.member("ports"), ports ?? []),
  };
  if ((addresses ?? []).length + (notReadyAddresses ?? []).length === 0)
    reportField(context, node, "missing-field", "Required value: must specify `addresses` or `notReadyAddresses`");
  return subset;
}

function decodeAddresses(
  context: Context,
  list: Node,
  given: readonly Fitting<typeof ADDRESS>[],
): readonly EndpointAddressSpec[] {
  return given.flatMap(({ hostname, ip, nodeName }, index): EndpointAddressSpec[] => {
    const node = list.item(index);
    checkText(context, node, "hostname", hostname, dns1123LabelProblems);
    checkText(context, node, "nodeName", nodeName, dns1123SubdomainProblems);
    checkRequired(context, node, "ip", ip);
    if (ip === undefined || ip === null || ip === "") return [];
    const address = decodeAddress(context, ip, () => node.member("ip"));
    if (address === undefined) return [];
    checkNotSpecial(context, address, () => node.member("ip"));
    return [{ address, nodeName: nodeName ?? undefined, node }];
  });
}

/** An unnamed port is spelled "", also where the name is left out. */
function decodePorts(
  context: Context,
  list: Node,
  given: readonly Fitting<typeof PORT>[],
): readonly EndpointPortSpec[] {
  checkPortNames(context, list, given, { required: given.length > 1, unique: false });
  return given.flatMap(({ appProtocol, name, port, protocol: word }, index): readonly EndpointPortSpec[] => {
    const node = list.item(index);
    checkText(context, node, "appProtocol", appProtocol, qualifiedNameProblems);
    const protocol = decodeProtocol(context, node, word);
    const number = decodePort(context, node, "port", port);
    return protocol === undefined ? [] : [{ name: name ?? "", protocol, port: number, node }];
  });
}
