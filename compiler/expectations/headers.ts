/** Headers of requests in files of expectations. */
import { asString, type Context, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { NamedText } from "../ir/routes.ts";

/** `headers: { NAME: VALUE }`; `field` is an object, or absent. */
export function decodeHeaders(context: Context, field: Field | undefined): NamedText[] {
  const value = field?.value;
  if (field === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const header = field.member(name);
    const text = asString(context, header);
    checkSent(context, field, name, text, /^[!-~](?:[ -~]*[!-~])?$/);
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) reportInvalid(context, header, "must be the value of a header");
    return text === undefined ? [] : [{ name, value: text }];
  });
}

/** Reports what cannot be sent in a request. */
export function checkSent(context: Context, field: Field, key: string, text: string | undefined, form: RegExp): void {
  if (text !== undefined && !form.test(text))
    reportInvalid(context, field.member(key), "must be what a request can have: ASCII without control characters");
}
