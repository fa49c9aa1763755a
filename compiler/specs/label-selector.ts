/** LabelSelector (meta/v1). */
import { type Context, checkRequired, reportInvalid, wordOf } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { LabelRequirement, LabelSelector } from "./gateway-types.ts";
import { decodeLabels } from "./meta.ts";
import type { Fitting } from "./shape.ts";

export const LABEL_SELECTOR = {
  matchExpressions: [{ key: "string", operator: "string", values: ["string"] }],
  matchLabels: "strings",
} as const;

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** What labels have to be, so that the selector at `field` takes them; an empty selector takes all. */
export function decodeLabelSelector(
  context: Context,
  field: Field,
  { matchExpressions, matchLabels }: Fitting<typeof LABEL_SELECTOR>,
): LabelSelector {
  const equal = [...decodeLabels(context, field, "matchLabels", matchLabels)].map(
    ([key, value]): LabelRequirement => ({ key, operator: "In", values: [value] }),
  );
  const list = field.member("matchExpressions");
  const expressions = (matchExpressions ?? []).flatMap((expression, index): LabelRequirement[] => {
    const { key, operator: word, values } = expression;
    const item = list.item(index);
    checkRequired(context, item, "key", key);
    checkRequired(context, item, "operator", word);
    const operator = wordOf(context, item, "operator", word, OPERATORS);
    if (operator === undefined) return [];
    const needsValues = operator === "In" || operator === "NotIn";
    if (needsValues)
      checkRequired(context, item, "values", values, "must be specified when `operator` is 'In' or 'NotIn'");
    else if ((values ?? []).length > 0)
      reportInvalid(
        context,
        item.member("values"),
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      );
    return [{ key: key ?? "", operator, values: values ?? [] }];
  });
  return [...equal, ...expressions];
}
