/** kpc's own kinds among the objects of the input: of them only Cluster says something about the cluster. */
import type { Report } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";
import { nearest } from "../documents/nearest.ts";
import { show } from "../documents/show.ts";
import { decodeNetwork } from "./network.ts";
import type { NetworkSpec } from "./network-types.ts";

const KIND = "Cluster";

const VERSION = "kpc.dev/v1alpha1";

/** Whether a kind of `apiVersion` is kpc's own. Other API groups have kinds of the same names. */
export function isOwnGroup(apiVersion: string): boolean {
  return apiVersion.startsWith("kpc.dev/");
}

/** Reads the Cluster of the input, of which there may be one. */
export class ClusterReader {
  /** Undefined: there is none, or one with an error. */
  network: NetworkSpec | undefined;
  private first: Field | undefined;
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** Takes an object of kpc's own group; false for a kind that is no part of the input: settings, expectations. */
  add(kind: string, apiVersion: string, field: Field): boolean {
    if (kind !== KIND) {
      if (nearest(kind, [KIND]) === undefined) return false;
      reportUnknownKind(kind, KIND, field, this.report);
    } else if (apiVersion !== VERSION) {
      const message = `no matches for kind "${kind}" in version ${show(apiVersion)}: expected ${show(VERSION)}`;
      this.report({ severity: "error", code: "unknown-version", message, origin: field.get("apiVersion") ?? field });
    } else if (this.first !== undefined) {
      const message = "expected one Cluster in the input: what several say is not put together";
      const notes = [{ message: "the first one", origin: this.first }];
      this.report({ severity: "error", code: "duplicate-object", message, origin: field, notes });
    } else {
      this.first = field;
      this.read(field);
    }
    return true;
  }

  private read(field: Field): void {
    let sound = true;
    const report: Report = (finding) => {
      if (finding.severity === "error") sound = false;
      this.report(finding);
    };
    const network = decodeNetwork({ report, root: field, subject: KIND }, field);
    if (sound) this.network = network;
  }
}

/** Reports a kind that is a slip of `near`. */
export function reportUnknownKind(kind: string, near: string, field: Field, report: Report): void {
  const message = `unknown kind ${show(kind)}, did you mean "${near}"?`;
  report({ severity: "error", code: "unknown-kind", message, origin: field.get("kind") ?? field });
}
