import { type Context, checkRequired, checkText, reportField, reportMissing, wordOf } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  domainPrefixedPathProblems,
  objectNameProblems,
} from "./names.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { IngressClassSpec } from "./types.ts";

const PARAMETERS = {
  apiGroup: "string",
  kind: "string",
  name: "string",
  namespace: "string",
  scope: "string",
} as const;

export const INGRESS_CLASS = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: { controller: "string", parameters: PARAMETERS },
});

const SCOPES = ["Cluster", "Namespace"] as const;

const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";
const MAX_CONTROLLER = 250;

/** An IngressClass (networking.k8s.io/v1), after pkg/apis/networking/validation. */
export function decodeIngressClass(context: Context, root: Field): IngressClassSpec | undefined {
  const fields = readShape(context, root, INGRESS_CLASS);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, false, dns1123SubdomainProblems);
  if (fields.spec === undefined || fields.spec === null) {
    reportMissing(context, root, "spec.controller");
    return undefined;
  }
  const field = root.member("spec");
  const { controller, parameters } = fields.spec;
  checkRequired(context, field, "controller", controller);
  checkText(context, field, "controller", controller, domainPrefixedPathProblems);
  const name = controller ?? "";
  if (name.length > MAX_CONTROLLER) {
    const body = `Too long: may not be more than ${MAX_CONTROLLER} bytes`;
    reportField(context, field.member("controller"), "too-long", body);
  }
  if (parameters !== undefined && parameters !== null) checkParameters(context, field.member("parameters"), parameters);
  if (meta === undefined || name === "") return undefined;
  return { meta, controller: name, isDefault: meta.annotations.get(DEFAULT_ANNOTATION) === "true" };
}

/** Settings of the controller: kpc does not follow the reference. */
function checkParameters(context: Context, field: Field, fields: Fitting<typeof PARAMETERS>): void {
  const { apiGroup, kind, name, namespace } = fields;
  checkText(context, field, "apiGroup", apiGroup, dns1123SubdomainProblems);
  checkText(context, field, "kind", kind, objectNameProblems);
  checkText(context, field, "name", name, objectNameProblems);
  checkText(context, field, "namespace", namespace, dns1123LabelProblems);
  checkRequired(context, field, "kind", kind);
  checkRequired(context, field, "name", name);
  const scope = wordOf(context, field, "scope", fields.scope, SCOPES) ?? "Cluster";
  if (scope === "Namespace")
    checkRequired(context, field, "namespace", namespace, "`parameters.scope` is set to 'Namespace'");
  else if (namespace !== undefined && namespace !== null)
    reportField(
      context,
      field.member("namespace"),
      "forbidden-field",
      "Forbidden: `parameters.scope` is set to 'Cluster'",
    );
}
