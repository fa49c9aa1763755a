import type { Context } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { NamespaceSpec } from "./gateway-types.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123LabelProblems } from "./names.ts";
import { pattern, readShape } from "./shape.ts";

export const NAMESPACE = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: "any",
  status: "any",
});

/** A Namespace (v1): its labels say which listeners of Gateways its routes may attach to. */
export function decodeNamespaceObject(context: Context, root: Field): NamespaceSpec | undefined {
  const fields = readShape(context, root, NAMESPACE);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, false, dns1123LabelProblems);
  return meta && { meta };
}
