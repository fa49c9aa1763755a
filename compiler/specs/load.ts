import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import { DocumentMemory } from "../documents/memory.ts";
import { insteadOfManifests, otherInput } from "../documents/other-input.ts";
import { printable, show } from "../documents/show.ts";
import type { Document } from "../documents/types.ts";
import { unreachable } from "../invariant.ts";
import { ClusterJoiner, reportUnknownKind } from "./cluster-reader.ts";
import { GATEWAY_GROUP } from "./gateway-references.ts";
import { API_VERSIONS, isWorkloadKind, type KnownKind, nearestKind, ownerOf } from "./kinds.ts";
import type { Located, NamedField } from "./located.ts";
import { type Addition, type ObjectAddition, readObjects, type SpecLists } from "./read-objects.ts";
import { soundSlice } from "./sound-slice.ts";
import type { Meta, SkippedKind, Specs } from "./types.ts";

/** What was read of the sources of one workspace, so that after a change only documents that have changed are read and decoded. An object
 *  that has not changed is the same value as before, and says where it stands in the newest texts: what was made of older texts is no
 *  longer told by its places. */
export class SpecsMemory {
  readonly documents = new DocumentMemory();
  private readonly additions = new WeakMap<Document, readonly Addition[]>();

  additionsOf(document: Document): readonly Addition[] {
    const known = this.additions.get(document);
    if (known !== undefined) return known;
    const made = additionsOf(document);
    this.additions.set(document, made);
    return made;
  }
}

function additionsOf(document: Document): readonly Addition[] {
  const { list } = document;
  const root = Field.root(document);
  return document.readAlike?.(() => soundSlice(readObjects(root, list))) ?? readObjects(root, list);
}

/** All objects in `sources`. An object with an error is reported and left out; the others are still read. `memory`: of earlier readings. */
export function loadSpecs(sources: Iterable<Source>, report: Report, memory?: SpecsMemory): Specs {
  let findings: Diagnostic[] = [];
  const loader = new Loader((finding) => void findings.push(finding));
  memory?.documents.begin();
  for (const source of sources) {
    for (const document of readDocuments(source, loader.report, undefined, memory?.documents.of(source))) {
      loader.add(memory === undefined ? additionsOf(document) : memory.additionsOf(document));
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
  for (const field of nodes) loader.add(readObjects(field));
  return loader.specs;
}

const ALONE_NOTHING: ReadonlySet<KnownKind> = new Set(["KubeProxyConfiguration", "Namespace", "Secret"]);

/** Joins what documents add: of two objects with one name the first counts. */
class Loader {
  readonly report: Report;
  private readonly skipped = new Map<string, SkippedKind & { readonly objects: Located<string>[] }>();
  /** One object from the first on: to copy its lists takes a tenth of the time that a Service by itself takes. */
  private readonly made: SpecLists & { -readonly [Name in "network" | "skipped" | "nothing"]: Specs[Name] } = {
    services: [],
    endpointSlices: [],
    endpoints: [],
    pods: [],
    nodes: [],
    ingresses: [],
    ingressClasses: [],
    secrets: [],
    gatewayClasses: [],
    gateways: [],
    httpRoutes: [],
    referenceGrants: [],
    namespaces: [],
    serviceCidrs: [],
    kubeProxies: [],
    workloads: [],
    network: undefined,
    skipped: this.skipped,
    nothing: false,
  };
  private readonly clusters: ClusterJoiner;
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
    this.clusters = new ClusterJoiner(this.report);
  }

  get specs(): Specs {
    const { made, skipped } = this;
    made.network = this.clusters.network;
    made.nothing = !this.foundObject && (!this.foundList || skipped.size > 0 || made.workloads.length > 0);
    return made;
  }

  /** What a document adds. */
  add(additions: readonly Addition[]): void {
    for (const addition of additions) this.addOne(addition);
  }

  private addOne(addition: Addition): void {
    switch (addition.kind) {
      case "finding":
        this.report(addition.finding);
        break;
      case "list":
        this.foundList = true;
        break;
      case "object":
        this.addObject(addition);
        break;
      case "own": {
        const { object, apiVersion, type } = addition;
        if (!this.clusters.add(addition)) this.count(printable(`${apiVersion}/${type}`), object);
        break;
      }
      case "version":
        this.skipVersion(addition.known, addition.apiVersion, addition.object);
        break;
      case "skipped":
        this.skip(addition.apiVersion, addition.type, addition.object);
        break;
      default:
        unreachable(addition);
    }
  }

  private addObject({ known, field, isBeta, findings, meta, addTo }: ObjectAddition): void {
    // Settings, Secrets and Namespaces alone are nothing to compile; nor are workloads, to whose Pods nothing is sent without a Service.
    this.foundObject ||= !ALONE_NOTHING.has(known) && !isWorkloadKind(known);
    if (isBeta) this.warnOfBeta(field);
    for (const finding of findings) this.report(finding);
    const isFirst = meta === undefined || this.isFirst(known, meta);
    if (isFirst) addTo?.(this.made);
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
  private skipVersion(kind: KnownKind, apiVersion: string, object: NamedField): void {
    const isWorkload = isWorkloadKind(kind);
    const message = `no matches for kind "${kind}" in version ${show(apiVersion)}: expected ${show(API_VERSIONS[kind][0])}`;
    const origin = object.field.get("apiVersion") ?? object.field;
    this.report({ severity: isWorkload ? "warning" : "error", code: "unknown-version", message, origin });
    if (isWorkload) this.count(printable(`${apiVersion}/${kind}`), object);
  }

  /** Counts an object of a kind that kpc does not read; reports one that looks like a slip. */
  private skip(apiVersion: string, kind: string, object: NamedField): void {
    const key = printable(`${apiVersion}/${kind}`);
    if (apiVersion.startsWith(`${GATEWAY_GROUP}/`)) {
      const message = `kpc does not carry ${key} ${object.name}: no route, certificate or policy comes of it`;
      this.report({ severity: "warning", code: "gateway-not-carried", message, origin: object.field });
      this.count(key, object);
      return;
    }
    const known = this.skipped.get(key);
    const near = known === undefined && ownerOf(apiVersion) === "Kubernetes" ? nearestKind(kind) : undefined;
    if (near === undefined) {
      this.count(key, object);
      return;
    }
    reportUnknownKind(kind, near, object.field, this.report);
  }

  private count(key: string, { field, name }: NamedField): void {
    const known = this.skipped.get(key);
    const objects = known?.objects ?? [];
    objects.push({ value: name, field });
    this.skipped.set(key, { count: objects.length, first: known?.first ?? field, objects });
  }
}

/** Where the name of the object at `field` stands. */
function nameOf(field: Field): Field {
  return field.get("metadata")?.get("name") ?? field;
}
