import { type Context, checkRequired, checkText } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { GatewayClassSpec } from "./gateway-types.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems, domainPrefixedPathProblems } from "./names.ts";
import { pattern, readShape } from "./shape.ts";

export const GATEWAY_CLASS = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: { controllerName: "string", description: "string", parametersRef: "any" },
  status: "any",
});

/** A GatewayClass. Its parameters are the controller's own: kpc does not follow the reference. */
export function decodeGatewayClass(context: Context, root: Field): GatewayClassSpec | undefined {
  const fields = readShape(context, root, GATEWAY_CLASS);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, false, dns1123SubdomainProblems);
  const controller = fields.spec?.controllerName ?? "";
  const field = root.member("spec");
  checkRequired(context, field, "controllerName", controller);
  checkText(context, field, "controllerName", controller, domainPrefixedPathProblems);
  return meta === undefined || controller === "" ? undefined : { meta, controller };
}
