import { type Context, checkRequired, checkText, reportField } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkNotSpecial, decodeAddress } from "./address.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems, qualifiedNameProblems } from "./names.ts";
import { checkPortNames, decodePort, decodeProtocol } from "./port.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { EndpointAddressSpec, EndpointPortSpec, EndpointSubsetSpec, EndpointsSpec } from "./types.ts";

const ADDRESS = { hostname: "string", ip: "string", nodeName: "string", targetRef: "object" } as const;
const PORT = { appProtocol: "string", name: "string", port: "integer", protocol: "string" } as const;
const SUBSET = { addresses: [ADDRESS], notReadyAddresses: [ADDRESS], ports: [PORT] } as const;

export const ENDPOINTS = pattern({ apiVersion: "string", kind: "string", metadata: METADATA, subsets: [SUBSET] });

/** An Endpoints object (v1), after pkg/apis/core/validation. */
export function decodeEndpoints(context: Context, root: Field): EndpointsSpec | undefined {
  const endpoints = readShape(context, root, ENDPOINTS);
  if (endpoints === undefined) return undefined;
  const meta = decodeMeta(context, root, endpoints.metadata, true, dns1123SubdomainProblems);
  const list = root.member("subsets");
  const subsets = (endpoints.subsets ?? []).map((subset, index) => decodeSubset(context, list.item(index), subset));
  return meta === undefined ? undefined : { meta, subsets };
}

function decodeSubset(context: Context, field: Field, fields: Fitting<typeof SUBSET>): EndpointSubsetSpec {
  const { addresses, notReadyAddresses, ports } = fields;
  const subset = {
    addresses: decodeAddresses(context, field.member("addresses"), addresses ?? []),
    notReadyAddresses: decodeAddresses(context, field.member("notReadyAddresses"), notReadyAddresses ?? []),
    ports: decodePorts(context, field.member("ports"), ports ?? []),
  };
  if ((addresses ?? []).length + (notReadyAddresses ?? []).length === 0)
    reportField(context, field, "missing-field", "Required value: must specify `addresses` or `notReadyAddresses`");
  return subset;
}

function decodeAddresses(
  context: Context,
  list: Field,
  given: readonly Fitting<typeof ADDRESS>[],
): readonly EndpointAddressSpec[] {
  return given.flatMap(({ hostname, ip, nodeName }, index): EndpointAddressSpec[] => {
    const field = list.item(index);
    checkText(context, field, "hostname", hostname, dns1123LabelProblems);
    checkText(context, field, "nodeName", nodeName, dns1123SubdomainProblems);
    checkRequired(context, field, "ip", ip);
    if (ip === undefined || ip === null || ip === "") return [];
    const address = decodeAddress(context, ip, () => field.member("ip"));
    if (address === undefined) return [];
    checkNotSpecial(context, address, () => field.member("ip"));
    return [{ address, nodeName: nodeName ?? undefined, field }];
  });
}

/** An unnamed port is spelled "", also where the name is left out. */
function decodePorts(
  context: Context,
  list: Field,
  given: readonly Fitting<typeof PORT>[],
): readonly EndpointPortSpec[] {
  checkPortNames(context, list, given, { required: given.length > 1, unique: false });
  return given.flatMap(({ appProtocol, name, port, protocol: word }, index): readonly EndpointPortSpec[] => {
    const field = list.item(index);
    checkText(context, field, "appProtocol", appProtocol, qualifiedNameProblems);
    const protocol = decodeProtocol(context, field, word);
    const number = decodePort(context, field, "port", port);
    return protocol === undefined ? [] : [{ name: name ?? "", protocol, port: number, field }];
  });
}
