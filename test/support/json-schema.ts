/** As much of JSON Schema (draft 7) as kpc's own schemas use. */

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: false | JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly uniqueItems?: true;
  readonly minProperties?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly allOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly default?: unknown;
  readonly description?: string;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
  readonly $schema?: string;
  readonly title?: string;
}

/** Whether `schema` accepts `value`. Throws at words that it does not know. */
export function accepts(root: JsonSchema, value: unknown, schema: JsonSchema = root): boolean {
  return Object.entries(schema).every(([word, rule]) => {
    const check = CHECKS[word as keyof JsonSchema];
    if (check === undefined) throw new Error(`unknown word of JSON Schema: ${word}`);
    return check(rule as never, value, schema, (part, of) =>
      accepts(root, part, "$ref" in of ? resolve(root, of) : of),
    );
  });
}

function resolve(root: JsonSchema, { $ref = "" }: JsonSchema): JsonSchema {
  const found = root.definitions?.[$ref.replace("#/definitions/", "")];
  if (found === undefined) throw new Error(`no ${$ref}`);
  return found;
}

type Recurse = (value: unknown, schema: JsonSchema) => boolean;

type Check<Word extends keyof JsonSchema> = (
  rule: NonNullable<JsonSchema[Word]>,
  value: unknown,
  schema: JsonSchema,
  recurse: Recurse,
) => boolean;

const always = (): boolean => true;

const CHECKS: { readonly [Word in keyof JsonSchema]-?: Check<Word> } = {
  $schema: always,
  title: always,
  description: always,
  default: always,
  definitions: always,
  $ref: (_, value, schema, recurse) => recurse(value, schema),
  type: (type, value) => typeOf(value) === type || (type === "number" && typeof value === "number"),
  const: (rule, value) => value === rule,
  enum: (rule, value) => rule.includes(value),
  properties: (rule, value, _, recurse) =>
    !isRecord(value) || Object.entries(rule).every(([key, of]) => !(key in value) || recurse(value[key], of)),
  additionalProperties: (rule, value, { properties = {} }, recurse) =>
    !isRecord(value) ||
    Object.entries(value).every(([key, member]) => key in properties || (rule !== false && recurse(member, rule))),
  required: (rule, value) => !isRecord(value) || rule.every((key) => key in value),
  items: (rule, value, _, recurse) => !Array.isArray(value) || value.every((item) => recurse(item, rule)),
  minItems: (rule, value) => !Array.isArray(value) || value.length >= rule,
  minProperties: (rule, value) => !isRecord(value) || Object.keys(value).length >= rule,
  uniqueItems: (_, value) =>
    !Array.isArray(value) || new Set(value.map((item) => JSON.stringify(item))).size === value.length,
  minLength: (rule, value) => typeof value !== "string" || value.length >= rule,
  pattern: (rule, value) => typeof value !== "string" || new RegExp(rule, "u").test(value),
  minimum: (rule, value) => typeof value !== "number" || value >= rule,
  exclusiveMinimum: (rule, value) => typeof value !== "number" || value > rule,
  maximum: (rule, value) => typeof value !== "number" || value <= rule,
  allOf: (rule, value, _, recurse) => rule.every((of) => recurse(value, of)),
  oneOf: (rule, value, _, recurse) => rule.filter((of) => recurse(value, of)).length === 1,
  not: (rule, value, _, recurse) => !recurse(value, rule),
};

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
