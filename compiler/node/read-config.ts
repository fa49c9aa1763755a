import type { Report, Source } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import { loadObjects } from "../specs/load.ts";
import type { Config } from "./config.ts";
import { decodeConfig } from "./decode.ts";

/** The settings in a file: a Config, kube-proxy's own settings or their ConfigMap, or both. Reports what is wrong with them. */
export function readConfigFile(source: Source, report: Report): Config {
  const documents = [...readDocuments(source, report, A_CONFIG)].map(Field.root);
  const settings = documents.filter(isKubeProxySettings);
  const { kubeProxies } = loadObjects(settings, report);
  const [kubeProxy] = kubeProxies;
  const roots = documents.filter((document) => !settings.includes(document));
  const [root, second] = roots.filter(({ value }) => value !== null);
  if (root === undefined && kubeProxy !== undefined) return { kubeProxy };
  if (root === undefined) {
    const [empty] = roots;
    const message = `expected ${A_CONFIG}, found an empty document`;
    if (empty !== undefined) report({ severity: "warning", code: "empty-input", message, origin: empty });
    return {};
  }
  if (second !== undefined) {
    const message = "expected one Config in a file: settings of several are not put together";
    const notes = [{ message: "the first one", origin: root }];
    report({ severity: "error", code: "duplicate-object", message, origin: second, notes });
  }
  if (!isObject(root.value)) {
    report({ severity: "error", code: "not-an-object", message: `expected ${A_CONFIG}`, origin: root });
    return {};
  }
  if (root.value["kind"] === "Cluster") {
    const message = `this is a Cluster, which belongs among the manifests: expected ${A_CONFIG}`;
    report({ severity: "error", code: "other-input", message, origin: root.get("kind") ?? root });
    return {};
  }
  return { ...decodeConfig({ report, root, subject: "Config" }, root, true), kubeProxy };
}

function isKubeProxySettings({ value }: Field): boolean {
  return isObject(value) && (value["kind"] === "KubeProxyConfiguration" || value["kind"] === "ConfigMap");
}

const A_CONFIG = "a Config (apiVersion: kpc.dev/v1alpha1, kind: Config) or a KubeProxyConfiguration";
