import { type Context, checkRequired, checkText } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { ReferenceGrantSpec } from "./gateway-types.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems, objectNameProblems } from "./names.ts";
import { pattern, readShape } from "./shape.ts";

const FROM = { group: "string", kind: "string", namespace: "string" } as const;
const TO = { group: "string", kind: "string", name: "string" } as const;

export const REFERENCE_GRANT = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: { from: [FROM], to: [TO] },
});

/** A ReferenceGrant. */
export function decodeReferenceGrant(context: Context, root: Field): ReferenceGrantSpec | undefined {
  const fields = readShape(context, root, REFERENCE_GRANT);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, true, dns1123SubdomainProblems);
  const spec = root.member("spec");
  const { from, to } = fields.spec ?? {};
  checkRequired(context, spec, "from", from);
  checkRequired(context, spec, "to", to);
  for (const [index, { group, kind, namespace }] of (from ?? []).entries()) {
    const field = spec.member("from").item(index);
    checkText(context, field, "group", group, dns1123SubdomainProblems);
    checkText(context, field, "kind", kind, objectNameProblems);
    checkText(context, field, "namespace", namespace, dns1123LabelProblems);
    checkRequired(context, field, "kind", kind);
    checkRequired(context, field, "namespace", namespace);
  }
  for (const [index, { group, kind, name }] of (to ?? []).entries()) {
    const field = spec.member("to").item(index);
    checkText(context, field, "group", group, dns1123SubdomainProblems);
    checkText(context, field, "kind", kind, objectNameProblems);
    checkText(context, field, "name", name, objectNameProblems);
    checkRequired(context, field, "kind", kind);
  }
  if (meta === undefined) return undefined;
  return {
    meta,
    from: (from ?? []).map(({ group, kind, namespace }) => ({
      group: group ?? "",
      kind: kind ?? "",
      namespace: namespace ?? "",
    })),
    to: (to ?? []).map(({ group, kind, name }) => ({ group: group ?? "", kind: kind ?? "", name: name || undefined })),
  };
}
