import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { asArray, type Context } from "../documents/decode.ts";
import { readDocuments } from "../documents/document.ts";
import { readEmbedded } from "../documents/embedded.ts";
import { Field } from "../documents/field.ts";
import { insteadOfManifests, otherInput } from "../documents/other-input.ts";
import { isObject, printable, show } from "../documents/show.ts";
import type { TypeMeta } from "../documents/types.ts";
import { unreachable } from "../invariant.ts";
import { decodeClusterNode } from "./cluster-node.ts";
import { ClusterReader, isOwnGroup, reportUnknownKind } from "./cluster-reader.ts";
import { decodeEndpointSlice } from "./endpoint-slice.ts";
import { decodeEndpoints } from "./endpoints.ts";
import { decodeGateway } from "./gateway.ts";
import { decodeGatewayClass } from "./gateway-class.ts";
import { GATEWAY_GROUP } from "./gateway-references.ts";
import type {
  GatewayClassSpec,
  HttpGatewaySpec,
  HttpRouteSpec,
  NamespaceSpec,
  ReferenceGrantSpec,
} from "./gateway-types.ts";
import { decodeHttpRoute } from "./http-route.ts";
import { decodeIngress } from "./ingress.ts";
import { decodeIngressClass } from "./ingress-class.ts";
import {
  API_VERSIONS,
  isKnownKind,
  isReadVersion,
  isWorkloadKind,
  type KnownKind,
  nearestKind,
  ownerOf,
} from "./kinds.ts";
import { decodeKubeProxy } from "./kube-proxy-config.ts";
import type { Located } from "./located.ts";
import { decodeNamespaceObject } from "./namespace.ts";
import { decodePod } from "./pod.ts";
import { decodeReferenceGrant } from "./reference-grant.ts";
import { decodeSecret } from "./secret.ts";
import { decodeService } from "./service.ts";
import { decodeServiceCidr } from "./service-cidr.ts";
import { pattern, readShape } from "./shape.ts";
import type {
  EndpointSliceSpec,
  EndpointsSpec,
  IngressClassSpec,
  IngressSpec,
  KubeProxySpec,
  Meta,
  NodeSpec,
  PodSpec,
  SecretSpec,
  ServiceCidrSpec,
  ServiceSpec,
  SkippedKind,
  Specs,
  WorkloadSpec,
} from "./types.ts";
import { decodeWorkload } from "./workload.ts";

/** All objects in `sources`. An object with an error is reported and left out; the others are still read. */
export function loadSpecs(sources: Iterable<Source>, report: Report): Specs {
  let findings: Diagnostic[] = [];
  const loader = new Loader((finding) => void findings.push(finding));
  for (const source of sources) {
    for (const document of readDocuments(source, loader.report)) {
      loader.add(Field.root(document), document.list);
      document.forget?.();
    }
    for (const finding of otherThanManifests(source, findings) ?? findings) report(finding);
    findings = [];
  }
  const { specs } = loader;
  for (const finding of findings) report(finding);
  return specs;
}

/** What a text with errors is instead of manifests; undefined: it may be manifests with errors. */
function otherThanManifests(source: Source, findings: readonly Diagnostic[]): readonly Diagnostic[] | undefined {
  if (!findings.some(({ severity }) => severity === "error")) return undefined;
  const other = otherInput(source, insteadOfManifests);
  return other === undefined ? undefined : [other];
}

/** The objects at `nodes`, which somebody else has read: a case file's `objects`. */
export function loadObjects(nodes: Iterable<Field>, report: Report): Specs {
  const loader = new Loader(report);
  loader.foundList = true;
  for (const field of nodes) loader.add(field);
  return loader.specs;
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

const ALONE_NOTHING: ReadonlySet<KnownKind> = new Set(["KubeProxyConfiguration", "Namespace", "Secret"]);

const NO_ITEMS: readonly Candidate[] = [];

class Loader {
  readonly report: Report;
  private readonly services: ServiceSpec[] = [];
  private readonly endpointSlices: EndpointSliceSpec[] = [];
  private readonly endpoints: EndpointsSpec[] = [];
  private readonly pods: PodSpec[] = [];
  private readonly nodes: NodeSpec[] = [];
  private readonly ingresses: IngressSpec[] = [];
  private readonly ingressClasses: IngressClassSpec[] = [];
  private readonly secrets: SecretSpec[] = [];
  private readonly gatewayClasses: GatewayClassSpec[] = [];
  private readonly gateways: HttpGatewaySpec[] = [];
  private readonly httpRoutes: HttpRouteSpec[] = [];
  private readonly referenceGrants: ReferenceGrantSpec[] = [];
  private readonly namespaces: NamespaceSpec[] = [];
  private readonly serviceCidrs: ServiceCidrSpec[] = [];
  private readonly kubeProxies: KubeProxySpec[] = [];
  private readonly skipped = new Map<string, SkippedKind & { readonly objects: Located<string>[] }>();
  private readonly workloads: WorkloadSpec[] = [];
  private readonly clusters: ClusterReader;
  private foundObject = false;
  private foundBeta = false;
  foundList = false;
  /** The first object of each name, by kind and namespace. */
  private readonly firsts = new Map<string, Map<string, Field>>();

  constructor(report: Report) {
    this.report = (finding) => {
      this.foundObject ||= finding.severity === "error";
      report(finding);
    };
    this.clusters = new ClusterReader(this.report);
  }

  get specs(): Specs {
    const { services, endpointSlices, endpoints, pods, nodes, ingresses, ingressClasses } = this;
    const { secrets, serviceCidrs, kubeProxies, workloads, skipped } = this;
    const { gatewayClasses, gateways, httpRoutes, referenceGrants, namespaces } = this;
    const { network } = this.clusters;
    const nothing = !this.foundObject && (!this.foundList || skipped.size > 0 || workloads.length > 0);
    return {
      services,
      endpointSlices,
      endpoints,
      pods,
      nodes,
      ingresses,
      ingressClasses,
      secrets,
      gatewayClasses,
      gateways,
      httpRoutes,
      referenceGrants,
      namespaces,
      serviceCidrs,
      kubeProxies,
      network,
      workloads,
      skipped,
      nothing,
    };
  }

  /** The object at `root`, or those in the List there, also in Lists of Lists. */
  add(root: Field, list?: TypeMeta): void {
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
      this.foundList = true;
      return this.itemsOf(field, type).map((item) => ({ field: item, list: type }));
    }
    if (isOwnGroup(apiVersion)) {
      if (!this.clusters.add(kind, apiVersion, field)) this.count(printable(`${apiVersion}/${kind}`), field);
    } else if (isKnownKind(kind) && isReadVersion(kind, apiVersion)) this.decode(kind, apiVersion, field);
    else if (isKnownKind(kind) && ownerOf(apiVersion) === "Kubernetes") this.skipVersion(kind, apiVersion, field);
    else if (kind !== "ConfigMap" || apiVersion !== "v1" || !this.addSettings(field))
      this.skip(apiVersion, kind, field);
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
      for (const document of readEmbedded(data.member(key), text, file, this.report)) this.add(Field.root(document));
    }
    return found;
  }

  private decode(kind: KnownKind, apiVersion: string, field: Field): void {
    // Settings, Secrets and Namespaces alone are nothing to compile; nor are workloads, to whose Pods nothing is sent without a Service.
    this.foundObject ||= !ALONE_NOTHING.has(kind) && !isWorkloadKind(kind);
    let sound = true;
    const report: Report = (finding) => {
      if (finding.severity === "error") sound = false;
      this.report(finding);
    };
    const context: Context = { report, root: field, subject: kind };
    const keep = <T extends { readonly meta: Meta }>(list: T[], object: T | undefined): void => {
      if (object !== undefined && this.isFirst(kind, object.meta) && sound) list.push(object);
    };
    switch (kind) {
      case "Service":
        keep(this.services, decodeService(context, field));
        break;
      case "EndpointSlice":
        if (apiVersion === BETA_SLICES) this.warnOfBeta(field);
        keep(this.endpointSlices, decodeEndpointSlice(context, field, apiVersion === BETA_SLICES));
        break;
      case "Endpoints":
        keep(this.endpoints, decodeEndpoints(context, field));
        break;
      case "Pod":
        keep(this.pods, decodePod(context, field));
        break;
      case "Node":
        keep(this.nodes, decodeClusterNode(context, field));
        break;
      case "Ingress":
        keep(this.ingresses, decodeIngress(context, field));
        break;
      case "IngressClass":
        keep(this.ingressClasses, decodeIngressClass(context, field));
        break;
      case "Secret":
        keep(this.secrets, decodeSecret(context, field));
        break;
      case "GatewayClass":
        keep(this.gatewayClasses, decodeGatewayClass(context, field));
        break;
      case "Gateway":
        keep(this.gateways, decodeGateway(context, field));
        break;
      case "HTTPRoute":
        keep(this.httpRoutes, decodeHttpRoute(context, field));
        break;
      case "ReferenceGrant":
        keep(this.referenceGrants, decodeReferenceGrant(context, field));
        break;
      case "Namespace":
        keep(this.namespaces, decodeNamespaceObject(context, field));
        break;
      case "KubeProxyConfiguration": {
        const settings = decodeKubeProxy(context, field);
        if (settings !== undefined && sound) this.kubeProxies.push(settings);
        break;
      }
      case "ServiceCIDR":
        keep(this.serviceCidrs, decodeServiceCidr(context, field));
        break;
      case "CronJob":
      case "DaemonSet":
      case "Deployment":
      case "Job":
      case "ReplicaSet":
      case "ReplicationController":
      case "StatefulSet":
        keep(this.workloads, decodeWorkload(context, field, kind));
        break;
      default:
        unreachable(kind);
    }
  }

  /** Warns of the first slice of v1beta1, in the words that API servers had for it. */
  private warnOfBeta(field: Field): void {
    if (this.foundBeta) return;
    this.foundBeta = true;
    const message =
      "discovery.k8s.io/v1beta1 EndpointSlice is deprecated in v1.21+, unavailable in v1.25+; use discovery.k8s.io/v1 EndpointSlice";
    this.report({ severity: "warning", code: "deprecated", message, origin: field.get("apiVersion") ?? field });
  }

  /** Whether there is no object of this kind and name yet; else reports both. */
  private isFirst(kind: KnownKind, { namespace, name, field }: Meta): boolean {
    const place = `${kind} ${namespace}`;
    const firsts = this.firsts.get(place) ?? new Map<string, Field>();
    if (firsts.size === 0) this.firsts.set(place, firsts);
    const first = firsts.get(name);
    if (first === undefined) {
      firsts.set(name, field);
      return true;
    }
    const notes = [{ message: "first defined here", origin: nameOf(first) }];
    const message = `${kind} ${printable(namespace === "" ? name : `${namespace}/${name}`)} is in the input twice`;
    const severity = isWorkloadKind(kind) || kind === "Secret" || kind === "Namespace" ? "warning" : "error";
    this.report({ severity, code: "duplicate-object", message, origin: nameOf(field), notes });
    return false;
  }

  /** Other versions are refused. A workload is only left out: kpc would assume its Pods, no more. */
  private skipVersion(kind: KnownKind, apiVersion: string, field: Field): void {
    const isWorkload = isWorkloadKind(kind);
    const message = `no matches for kind "${kind}" in version ${show(apiVersion)}: expected ${show(API_VERSIONS[kind][0])}`;
    const origin = field.get("apiVersion") ?? field;
    this.report({ severity: isWorkload ? "warning" : "error", code: "unknown-version", message, origin });
    if (isWorkload) this.count(printable(`${apiVersion}/${kind}`), field);
  }

  /** Counts an object of a kind that kpc does not read; reports one that looks like a slip. */
  private skip(apiVersion: string, kind: string, field: Field): void {
    const key = printable(`${apiVersion}/${kind}`);
    if (apiVersion.startsWith(`${GATEWAY_GROUP}/`)) {
      const message = `kpc does not carry ${key} ${fullName(field)}: no route, certificate or policy comes of it`;
      this.report({ severity: "warning", code: "gateway-not-carried", message, origin: field });
      this.count(key, field);
      return;
    }
    const known = this.skipped.get(key);
    const near = known === undefined && ownerOf(apiVersion) === "Kubernetes" ? nearestKind(kind) : undefined;
    if (near === undefined) {
      this.count(key, field);
      return;
    }
    reportUnknownKind(kind, near, field, this.report);
  }

  private count(key: string, field: Field): void {
    const known = this.skipped.get(key);
    const objects = known?.objects ?? [];
    objects.push({ value: fullName(field), field });
    this.skipped.set(key, { count: objects.length, first: known?.first ?? field, objects });
  }
}

/** The API writes an empty list as null. */
function isListOfItems(items: unknown): boolean {
  return Array.isArray(items) || items === null;
}

/** Where the name of the object at `field` stands. */
function nameOf(field: Field): Field {
  return field.get("metadata")?.get("name") ?? field;
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
