/** What one document adds to the input, whatever else the input holds. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import { asArray, type Context } from "../documents/decode.ts";
import { readEmbedded } from "../documents/embedded.ts";
import { Field } from "../documents/field.ts";
import { isObject, printable, show } from "../documents/show.ts";
import type { TypeMeta } from "../documents/types.ts";
import { unreachable } from "../invariant.ts";
import { decodeClusterNode } from "./cluster-node.ts";
import { type ClusterAddition, isOwnGroup, readOwn } from "./cluster-reader.ts";
import { decodeEndpointSlice } from "./endpoint-slice.ts";
import { decodeEndpoints } from "./endpoints.ts";
import { decodeGateway } from "./gateway.ts";
import { decodeGatewayClass } from "./gateway-class.ts";
import { decodeHttpRoute } from "./http-route.ts";
import { decodeIngress } from "./ingress.ts";
import { decodeIngressClass } from "./ingress-class.ts";
import { isKnownKind, isReadVersion, type KnownKind, ownerOf } from "./kinds.ts";
import { decodeKubeProxy } from "./kube-proxy-config.ts";
import type { NamedField } from "./located.ts";
import { decodeNamespaceObject } from "./namespace.ts";
import { decodePod } from "./pod.ts";
import { decodeReferenceGrant } from "./reference-grant.ts";
import { decodeSecret } from "./secret.ts";
import { decodeService } from "./service.ts";
import { decodeServiceCidr } from "./service-cidr.ts";
import { pattern, readShape } from "./shape.ts";
import type { Meta, Specs } from "./types.ts";
import { decodeWorkload } from "./workload.ts";

/** What a document adds, in the order of its objects. Nothing here depends on other documents: whoever joins them decides what of it counts. */
export type Addition =
  | { readonly kind: "finding"; readonly finding: Diagnostic }
  /** A List, however many items it has. */
  | { readonly kind: "list" }
  | ObjectAddition
  | ClusterAddition
  /** An object of a kind that is read, in a version that is not. */
  | { readonly kind: "version"; readonly known: KnownKind; readonly apiVersion: string; readonly object: NamedField }
  /** An object of a kind that is not read. */
  | { readonly kind: "skipped"; readonly apiVersion: string; readonly type: string; readonly object: NamedField };

/** An object of a kind that is read. */
export interface ObjectAddition {
  readonly kind: "object";
  readonly known: KnownKind;
  readonly field: Field;
  /** It is an EndpointSlice of v1beta1. */
  readonly isBeta: boolean;
  /** What decoding it found. */
  readonly findings: readonly Diagnostic[];
  /** Undefined: it has no name, or is of a kind that needs none. */
  readonly meta: Meta | undefined;
  /** Puts it into its list; undefined: it has an error. */
  readonly addTo: ((lists: SpecLists) => void) | undefined;
}

/** The lists of `Specs`, for those who fill them. */
export type SpecLists = { [Name in ListName]: Specs[Name][number][] };

type ListName = {
  [Name in keyof Specs]: Specs[Name] extends readonly unknown[] ? Name : never;
}[keyof Specs];

/** What the object at `root` adds, or those in the List there, also in Lists of Lists. `list`: what the List says that `root` is an item of. */
export function readObjects(root: Field, list?: TypeMeta): readonly Addition[] {
  const reader = new ObjectReader();
  reader.add(root, list);
  return reader.additions;
}

const LIST = pattern({
  apiVersion: "any",
  items: "any",
  kind: "any",
  metadata: {
    continue: "string",
    remainingItemCount: "integer",
    resourceVersion: "string",
    selfLink: "string",
    shardInfo: "any",
  },
});

/** A value that should be an object, and what the List that it is in says of its items. */
interface Candidate {
  readonly field: Field;
  readonly list: TypeMeta | undefined;
}

const BETA_SLICES = "discovery.k8s.io/v1beta1";

const KUBE_PROXY_NAMESPACE = "kube-system";

const NO_ITEMS: readonly Candidate[] = [];

class ObjectReader {
  readonly additions: Addition[] = [];
  private readonly report: Report = (finding) => void this.additions.push({ kind: "finding", finding });

  add(root: Field, list: TypeMeta | undefined): void {
    const pending: Candidate[] = [{ field: root, list }]; // a recursion would overflow on deep nesting
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const items = this.addOne(next);
      for (let index = items.length - 1; index >= 0; index--) pending.push(items[index] as Candidate);
    }
  }

  /** Adds an object; of a List gives the items. */
  private addOne({ field, list }: Candidate): readonly Candidate[] {
    if (!isObject(field.value)) {
      const message = "expected a Kubernetes object with apiVersion and kind";
      this.report({ severity: "error", code: "not-an-object", message, origin: field });
      return NO_ITEMS;
    }
    const type = this.typeOf(field, list);
    if (type === undefined) return NO_ITEMS;
    const { apiVersion, kind } = type;
    if (kind === "List" || (kind.endsWith("List") && isListOfItems(field.value["items"]))) {
      this.additions.push({ kind: "list" });
      return this.itemsOf(field, type).map((item) => ({ field: item, list: type }));
    }
    if (isOwnGroup(apiVersion)) this.additions.push(readOwn(kind, apiVersion, named(field)));
    else if (isKnownKind(kind) && isReadVersion(kind, apiVersion))
      this.additions.push(readObject(kind, apiVersion, field));
    else if (isKnownKind(kind) && ownerOf(apiVersion) === "Kubernetes")
      this.additions.push({ kind: "version", known: kind, apiVersion, object: named(field) });
    else if (kind !== "ConfigMap" || apiVersion !== "v1" || !this.addSettings(field))
      this.additions.push({ kind: "skipped", apiVersion, type: kind, object: named(field) });
    return NO_ITEMS;
  }

  /** What the object says it is; items of a ServiceList need not say that they are Services. */
  private typeOf(field: Field, list: TypeMeta | undefined): Record<"apiVersion" | "kind", string> | undefined {
    const own = field.value as Readonly<Record<string, unknown>>;
    const inherits = own["apiVersion"] === undefined && own["kind"] === undefined && list !== undefined;
    const apiVersion = inherits ? list.apiVersion : own["apiVersion"];
    const kind = inherits && typeof list.kind === "string" ? list.kind.slice(0, -"List".length) : own["kind"];
    if (typeof apiVersion === "string" && apiVersion !== "" && typeof kind === "string" && kind !== "")
      return { apiVersion, kind };
    for (const [key, value] of Object.entries({ apiVersion, kind })) {
      if (typeof value === "string" && value !== "") continue;
      const absent = value === undefined || value === null || value === "";
      const origin = absent || inherits ? field : field.member(key);
      const message = absent
        ? `${key}: Required value`
        : `${key}: Invalid value: expected string, found ${show(value)}`;
      this.report({ severity: "error", code: absent ? "missing-field" : "wrong-type", message, origin });
    }
    return undefined;
  }

  private itemsOf(field: Field, { kind }: TypeMeta): Field[] {
    const context: Context = { report: this.report, root: field, subject: String(kind) };
    readShape(context, field, LIST);
    return asArray(context, field.get("items"));
  }

  /** Adds the settings in the ConfigMap of kube-proxy; false where it holds none, or is another ConfigMap. */
  private addSettings(map: Field): boolean {
    const metadata = map.get("metadata");
    const name = metadata?.get("name")?.value;
    const data = map.get("data");
    if (metadata?.get("namespace")?.value !== KUBE_PROXY_NAMESPACE || data === undefined || !isObject(data.value))
      return false;
    if (name !== "kube-proxy" && name !== "kube-proxy-config") return false;
    let found = false;
    for (const [key, text] of Object.entries(data.value)) {
      if (typeof text !== "string" || !/^\s*"?kind"?\s*:\s*"?KubeProxyConfiguration\b/m.test(text)) continue;
      found = true;
      const file = `${map.document().source.name} (ConfigMap ${KUBE_PROXY_NAMESPACE}/${name}, ${key})`;
      for (const document of readEmbedded(data.member(key), text, file, this.report))
        this.add(Field.root(document), undefined);
    }
    return found;
  }
}

function readObject(known: KnownKind, apiVersion: string, field: Field): ObjectAddition {
  const findings: Diagnostic[] = [];
  const context: Context = { report: (finding) => void findings.push(finding), root: field, subject: known };
  const isBeta = known === "EndpointSlice" && apiVersion === BETA_SLICES;
  const added = decode(context, known, isBeta);
  const isSound = findings.every(({ severity }) => severity !== "error");
  return {
    kind: "object",
    known,
    field,
    isBeta,
    findings,
    meta: added?.meta,
    addTo: isSound ? added?.addTo : undefined,
  };
}

/** A decoded object, and what puts it into its list. */
interface Decoded extends Pick<ObjectAddition, "meta"> {
  readonly addTo: (lists: SpecLists) => void;
}

function decode(context: Context, kind: KnownKind, isBeta: boolean): Decoded | undefined {
  const { root: field } = context;
  switch (kind) {
    case "Service":
      return forList("services", decodeService(context, field));
    case "EndpointSlice":
      return forList("endpointSlices", decodeEndpointSlice(context, field, isBeta));
    case "Endpoints":
      return forList("endpoints", decodeEndpoints(context, field));
    case "Pod":
      return forList("pods", decodePod(context, field));
    case "Node":
      return forList("nodes", decodeClusterNode(context, field));
    case "Ingress":
      return forList("ingresses", decodeIngress(context, field));
    case "IngressClass":
      return forList("ingressClasses", decodeIngressClass(context, field));
    case "Secret":
      return forList("secrets", decodeSecret(context, field));
    case "GatewayClass":
      return forList("gatewayClasses", decodeGatewayClass(context, field));
    case "Gateway":
      return forList("gateways", decodeGateway(context, field));
    case "HTTPRoute":
      return forList("httpRoutes", decodeHttpRoute(context, field));
    case "ReferenceGrant":
      return forList("referenceGrants", decodeReferenceGrant(context, field));
    case "Namespace":
      return forList("namespaces", decodeNamespaceObject(context, field));
    case "KubeProxyConfiguration": {
      const settings = decodeKubeProxy(context, field);
      return settings && { meta: undefined, addTo: ({ kubeProxies }) => void kubeProxies.push(settings) };
    }
    case "ServiceCIDR":
      return forList("serviceCidrs", decodeServiceCidr(context, field));
    case "CronJob":
    case "DaemonSet":
    case "Deployment":
    case "Job":
    case "ReplicaSet":
    case "ReplicationController":
    case "StatefulSet":
      return forList("workloads", decodeWorkload(context, field, kind));
    default:
      return unreachable(kind);
  }
}

function forList<Name extends keyof SpecLists>(
  name: Name,
  object: (SpecLists[Name][number] & { readonly meta: Meta }) | undefined,
): Decoded | undefined {
  return object && { meta: object.meta, addTo: (lists) => void (lists[name] as (typeof object)[]).push(object) };
}

function named(field: Field): NamedField {
  return { field, name: fullName(field) };
}

/** The API writes an empty list as null. */
function isListOfItems(items: unknown): boolean {
  return Array.isArray(items) || items === null;
}

/** `namespace/name` of any object, as far as it says. */
function fullName(field: Field): string {
  const part = (key: string): string => {
    const value = field.get("metadata")?.get(key)?.value;
    return typeof value === "string" ? printable(value) : "";
  };
  const [namespace, name] = [part("namespace"), part("name") || "without a name"];
  return namespace === "" ? name : `${namespace}/${name}`;
}
