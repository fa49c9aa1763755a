import { type Context, reportInvalid, warnInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, parseAddress } from "../net/address.ts";
import { decodeAddress, decodePrefix } from "./address.ts";
import type { Located } from "./located.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { NodeSpec, TaintSpec } from "./types.ts";

const ADDRESSES = [{ address: "string", type: "string" }] as const;

const TAINT = { effect: "string", key: "string", timeAdded: "string", value: "string" } as const;

const SPEC = {
  configSource: "any",
  externalID: "string",
  podCIDR: "string",
  podCIDRs: ["string"],
  providerID: "string",
  taints: [TAINT],
  unschedulable: "boolean",
} as const;

export const NODE = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: SPEC,
  status: {
    addresses: ADDRESSES,
    allocatable: "any",
    capacity: "any",
    conditions: "any",
    config: "any",
    daemonEndpoints: "any",
    declaredFeatures: "any",
    features: "any",
    images: "any",
    nodeInfo: "any",
    phase: "any",
    runtimeHandlers: "any",
    volumesAttached: "any",
    volumesInUse: "any",
  },
});

const ZONE_LABEL = "topology.kubernetes.io/zone";

/** kube-proxy takes its primary address from the first of these types that has one. */
type AddressType = "InternalIP" | "ExternalIP";

/** A Node (v1): a machine of the cluster. */
export function decodeClusterNode(context: Context, root: Field): NodeSpec | undefined {
  const fields = readShape(context, root, NODE);
  if (fields === undefined) return undefined;
  const { spec, status } = fields;
  const meta = decodeMeta(context, root, fields.metadata, false, dns1123SubdomainProblems);
  const podCidrs = decodePodCidrs(context, root, spec ?? {});
  const given = status?.addresses ?? [];
  const internalAddresses = decodeAddresses(context, root, given, "InternalIP");
  const others = decodeAddresses(context, root, given, "ExternalIP");
  const taints = decodeTaints(spec ?? {});
  if (meta === undefined) return undefined;
  return {
    meta,
    addresses: [...internalAddresses, ...others].map(({ value }) => value),
    internalAddresses,
    ...podCidrs,
    taints,
    zone: meta.labels.get(ZONE_LABEL),
  };
}

/** The taint that a Node which is cordoned has. */
const UNSCHEDULABLE: TaintSpec = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };

function decodeTaints({ taints, unschedulable }: Fitting<typeof SPEC>): readonly TaintSpec[] {
  const found = (taints ?? []).flatMap(({ effect, key, value }): readonly TaintSpec[] =>
    effect === "NoSchedule" || effect === "NoExecute" ? [{ key: key ?? "", value: value ?? "", effect }] : [],
  );
  return unschedulable === true ? [...found, UNSCHEDULABLE] : found;
}

/** `podCIDRs`; `podCIDR` wins where they differ, as in the API server. The place is the Node's where it has neither. */
function decodePodCidrs(
  context: Context,
  root: Field,
  { podCIDR, podCIDRs }: Fitting<typeof SPEC>,
): Pick<NodeSpec, "podCidrs" | "podCidrsField"> {
  const single = podCIDR ?? "";
  const listed = podCIDRs ?? [];
  if (single === "" && listed.length === 0) return { podCidrs: [], podCidrsField: root };
  const spec = root.member("spec");
  const differs = single !== "" && listed.length > 0 && listed[0] !== single;
  if (differs) warnInvalid(context, spec.member("podCIDR"), "differs from the first of podCIDRs, which are left out");
  const list = listed.length > 0 && !differs ? spec.member("podCIDRs") : undefined;
  if (list !== undefined && listed.length > 2) reportInvalid(context, list, "may only hold up to 2 values");
  const podCidrs = (list === undefined ? [single] : listed).flatMap((text, index) => {
    const at = (): Field => list?.item(index) ?? spec.member("podCIDR");
    return decodePrefix(context, text, at) ?? [];
  });
  return { podCidrs, podCidrsField: list ?? spec.member("podCIDR") };
}

/** The addresses of type `wanted`. The API server does not look at them, so one that is none is only left out. */
function decodeAddresses(
  context: Context,
  root: Field,
  given: Fitting<typeof ADDRESSES>,
  wanted: AddressType,
): readonly Located<Address>[] {
  return given.flatMap(({ address, type }, index): readonly Located<Address>[] => {
    if (type !== wanted || address === undefined || address === null) return [];
    const field = root.member("status").member("addresses").item(index).member("address");
    if (parseAddress(address) === undefined) {
      warnInvalid(context, field, "is left out: must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
      return [];
    }
    const value = decodeAddress(context, address, () => field);
    return value === undefined ? [] : [{ value, field }];
  });
}
