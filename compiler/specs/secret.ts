import { decodeBase64 } from "../certificates/base64.ts";
import { PrivateText } from "../certificates/private-key.ts";
import { type Context, lenient, reportField } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import { pattern, readShape } from "./shape.ts";
import type { SecretSpec } from "./types.ts";

/** The data is not compared with a shape: what does not fit would be shown. */
export const SECRET = pattern({
  apiVersion: "string",
  data: "any",
  immutable: "any",
  kind: "string",
  metadata: METADATA,
  stringData: "any",
  type: "string",
});

export const TLS_TYPE = "kubernetes.io/tls";

/** A Secret (v1). Only what TLS needs is kept, and findings never show data. Wrong values are warnings: kpc reads Secrets for Ingresses
 *  alone, which tell what they miss. */
export function decodeSecret(strict: Context, root: Field): SecretSpec | undefined {
  const secret = readShape(strict, root, SECRET);
  if (secret === undefined) return undefined;
  const context = lenient(strict);
  const meta = decodeMeta(context, root, secret.metadata, true, dns1123SubdomainProblems);
  if (meta === undefined) return undefined;
  const type = secret.type || "Opaque";
  if (type !== TLS_TYPE) return { meta, type, certificate: undefined, privateKey: undefined };
  const certificate = textOf(context, root, "tls.crt");
  const privateKey = textOf(context, root, "tls.key");
  return {
    meta,
    type,
    certificate: certificate?.reveal(),
    privateKey,
  };
}

/** The text under `key`: `stringData` wins over `data`, as on the API server. */
function textOf(context: Context, root: Field, key: string): PrivateText | undefined {
  const [plain, encoded] = ["stringData", "data"].map((name) => memberOf(context, root, name, key));
  if (typeof plain === "string") return new PrivateText(plain);
  if (typeof encoded !== "string") return undefined;
  const bytes = decodeBase64(encoded);
  if (bytes !== undefined) return new PrivateText(new TextDecoder().decode(bytes));
  reportData(context, root, "data", key, "expected base64");
  return undefined;
}

function memberOf(context: Context, root: Field, name: string, key: string): unknown {
  const map = root.get(name)?.value;
  if (map === undefined) return undefined;
  if (!isObject(map)) {
    reportField(context, root.member(name), "wrong-type", "Invalid value: expected object");
    return undefined;
  }
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  if (value !== undefined && value !== null && typeof value !== "string")
    reportData(context, root, name, key, "expected string");
  return value;
}

/** Names the member, and stands at its name. */
function reportData(context: Context, root: Field, name: string, key: string, detail: string): void {
  const field = root.member(name).member(key);
  const message = `${field.fieldPath(context.root)}: Invalid value: ${detail}`;
  context.report({ severity: "warning", code: "invalid-value", message, origin: field.key() });
}
