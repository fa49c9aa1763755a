import { type Context, checkRequired, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Prefix, prefixFamily } from "../net/prefix.ts";
import { decodePrefix } from "./address.ts";
import type { Located } from "./located.ts";
import { decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import { pattern, readShape } from "./shape.ts";
import type { ServiceCidrSpec } from "./types.ts";

export const SERVICE_CIDR = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: { cidrs: ["string"] },
  status: { conditions: "any" },
});

const MAX_CIDRS = 2;

/** A ServiceCIDR (networking.k8s.io/v1, and v1beta1 with the same fields): one block of Service addresses, or one of each
 *  family. Conditions are not looked at: kube-proxy takes the blocks of all objects, ready or not. */
export function decodeServiceCidr(context: Context, root: Field): ServiceCidrSpec | undefined {
  const fields = readShape(context, root, SERVICE_CIDR);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, false, dns1123SubdomainProblems);
  const given = fields.spec?.cidrs ?? [];
  const list = root.member("spec").member("cidrs");
  checkRequired(context, root.member("spec"), "cidrs", given, "at least one CIDR required");
  if (given.length > MAX_CIDRS) reportInvalid(context, list, `may only hold up to ${MAX_CIDRS} values`);
  const cidrs = given.flatMap((text, index): readonly Located<Prefix>[] => {
    const field = list.item(index);
    const value = decodePrefix(context, text, () => field);
    return value === undefined ? [] : [{ value, field }];
  });
  const [first, second] = cidrs;
  if (first !== undefined && second !== undefined && prefixFamily(first.value) === prefixFamily(second.value))
    reportInvalid(context, list, "may specify no more than one IP for each IP family");
  return meta === undefined ? undefined : { meta, cidrs };
}
