/** References to objects, and other parts that objects of the Gateway API share. */
import { type Context, checkRequired, checkText, reportField, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { asPort, type Port } from "../net/port.ts";
import type { ObjectReference } from "./gateway-types.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems, objectNameProblems } from "./names.ts";
import { PORT_RANGE } from "./port.ts";
import type { Fitting } from "./shape.ts";

export const GATEWAY_GROUP = "gateway.networking.k8s.io";

export const REFERENCE = { group: "string", kind: "string", name: "string", namespace: "string" } as const;

/** What the API fills in. */
export interface ReferenceDefaults {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** The object that `fields` name; undefined without a name. An empty group is the core group. */
export function decodeReference(
  context: Context,
  field: Field,
  { group, kind, name, namespace }: Fitting<typeof REFERENCE>,
  defaults: ReferenceDefaults,
): ObjectReference | undefined {
  checkText(context, field, "group", group, dns1123SubdomainProblems);
  checkText(context, field, "kind", kind, objectNameProblems);
  checkText(context, field, "namespace", namespace, dns1123LabelProblems);
  checkText(context, field, "name", name, objectNameProblems);
  checkRequired(context, field, "name", name);
  if (name === undefined || name === null || name === "") return undefined;
  return {
    group: group ?? defaults.group,
    kind: kind ?? defaults.kind,
    namespace: namespace || defaults.namespace,
    name,
    field,
  };
}

/** The port that the member `key` of `field` is. */
export function decodePort(
  context: Context,
  field: Field,
  key: string,
  value: number | null | undefined,
): Port | undefined {
  if (value === undefined || value === null) return undefined;
  const port = asPort(value);
  if (port === undefined) reportInvalid(context, field.member(key), PORT_RANGE);
  return port;
}

/** Reports that kpc does not carry what stands at `field`; `effect`: what becomes of it. */
export function warnNotCarried(context: Context, field: Field, what: string, effect: string): void {
  reportField(context, field, "gateway-not-carried", `kpc does not carry ${what}: ${effect}`, "warning");
}

/** Whether a member is there: neither absent nor null. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Warns of each member of `table` that an object has: what it is, and what becomes of requests without it. */
export function warnOfMembers<Key extends string>(
  context: Context,
  field: Field,
  members: Readonly<Partial<Record<NoInfer<Key>, unknown>>>,
  table: Readonly<Record<Key, readonly [what: string, effect: string]>>,
): void {
  for (const key in table) {
    const [what, effect] = table[key];
    if (isGiven(members[key])) warnNotCarried(context, field.member(key), what, effect);
  }
}
