/** kpc's own kinds among the objects of the input: of them only Cluster says something about the cluster. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import { nearest } from "../documents/nearest.ts";
import { show } from "../documents/show.ts";
import type { NamedField } from "./located.ts";
import { decodeNetwork } from "./network.ts";
import type { NetworkSpec } from "./network-types.ts";

const KIND = "Cluster";

const VERSION = "kpc.dev/v1alpha1";

/** Whether a kind of `apiVersion` is kpc's own. Other API groups have kinds of the same names. */
export function isOwnGroup(apiVersion: string): boolean {
  return apiVersion.startsWith("kpc.dev/");
}

/** An object of kpc's own group. */
export interface ClusterAddition {
  readonly kind: "own";
  readonly type: string;
  readonly apiVersion: string;
  readonly object: NamedField;
  /** What a Cluster of the version that is read says. */
  readonly read: ReadCluster | undefined;
}

interface ReadCluster {
  readonly findings: readonly Diagnostic[];
  /** Undefined: it has an error. */
  readonly network: NetworkSpec | undefined;
}

export function readOwn(type: string, apiVersion: string, object: NamedField): ClusterAddition {
  const read = type === KIND && apiVersion === VERSION ? readCluster(object.field) : undefined;
  return { kind: "own", type, apiVersion, object, read };
}

function readCluster(field: Field): ReadCluster {
  const findings: Diagnostic[] = [];
  const report: Report = (finding) => void findings.push(finding);
  const network = decodeNetwork({ report, root: field, subject: KIND }, field);
  return { findings, network: findings.some(({ severity }) => severity === "error") ? undefined : network };
}

/** Takes the Cluster of the input, of which there may be one. */
export class ClusterJoiner {
  /** Undefined: there is none, or one with an error. */
  network: NetworkSpec | undefined;
  private first: Field | undefined;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** Takes an object of kpc's own group; false for a kind that is no part of the input: settings, expectations. */
  add({ type, apiVersion, object: { field }, read }: ClusterAddition): boolean {
    if (type !== KIND) {
      if (nearest(type, [KIND]) === undefined) return false;
      reportUnknownKind(type, KIND, field, this.report);
    } else if (read === undefined) {
      const message = `no matches for kind "${type}" in version ${show(apiVersion)}: expected ${show(VERSION)}`;
      this.report({ severity: "error", code: "unknown-version", message, origin: field.get("apiVersion") ?? field });
    } else if (this.first !== undefined) {
      const message = "expected one Cluster in the input: what several say is not put together";
      const notes = [{ message: "the first one", origin: this.first }];
      this.report({ severity: "error", code: "duplicate-object", message, origin: field, notes });
    } else {
      this.first = field;
      for (const finding of read.findings) this.report(finding);
      this.network = read.network;
    }
    return true;
  }
}

/** Reports a kind that is a slip of `near`. */
export function reportUnknownKind(kind: string, near: string, field: Field, report: Report): void {
  const message = `unknown kind ${show(kind)}, did you mean "${near}"?`;
  report({ severity: "error", code: "unknown-kind", message, origin: field.get("kind") ?? field });
}
