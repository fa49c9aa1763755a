/** Rows of readers, as `FormTemplates` takes them. */
import type { ElementRows } from "../../ir/element-rows.ts";
import { type FormPlace, type FormPlaces, placesInElement, placesInRule } from "../../ir/form-places.ts";
import type { RuleRows } from "../../ir/rule-rows.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { DataType, MapElement, Rule, SetElement, Step } from "../../ir/types.ts";
import type { DataTypes } from "./declarations.ts";
import type { DescribedElement, Describer } from "./describe.ts";
import { fieldOf, sortOf } from "./fields.ts";
import type { RowReading, TakenSlot, Taking } from "./form-templates.ts";

type Slots = readonly (readonly TakenSlot[])[];

/** Rules of the table that `describer` has entered. */
export function rulesAsRead(rows: RuleRows, describer: Describer): RowReading {
  return {
    rows,
    slotsOf: (row, form) => {
      const rule = rows.peek(row);
      return slotsIn(placesInRule(rule, rows.holesOf(form)), (part, kind) => takenInRule(rule, part, kind));
    },
    describe: (row) => describer.ruleAnew(rows.make(row)),
  };
}

/** Elements of a set or map of these types. `describe`: as that of the describer. */
export function elementsAsRead(
  rows: ElementRows,
  key: readonly DataType[],
  data: DataTypes | undefined,
  describe: (element: SetElement | MapElement) => DescribedElement,
): RowReading {
  return {
    rows,
    slotsOf: (row, form) => {
      const element = rows.peek(row);
      return slotsIn(placesInElement(element, rows.holesOf(form)), (part, kind) =>
        takenInElement(element, part, kind, key, data),
      );
    },
    describe: (row) => describe(rows.make(row)),
  };
}

function slotsIn(
  places: FormPlaces | undefined,
  takingOf: (part: number, kind: FormPlace["kind"]) => Taking,
): Slots | undefined {
  return places?.map((part, i) => part.map(({ kind, slot }): TakenSlot => ({ slot, taking: takingOf(i, kind) })));
}

/** As `Describer.step` takes it. */
function takenInRule({ steps }: Rule, part: number, kind: FormPlace["kind"]): Taking {
  if (kind === "from" || kind === "to") return "template";
  if (kind !== "point") return kind;
  const step = steps[part] as Step;
  if (step.kind !== "compare" || (step.operator !== "==" && step.operator !== "!=")) return "template";
  return fieldOf(step.left)?.sort ?? "template";
}

/** As `Describer.element` takes it. */
function takenInElement(
  { key: own }: SetElement | MapElement,
  part: number,
  kind: FormPlace["kind"],
  key: readonly DataType[],
  data: DataTypes | undefined,
): Taking {
  if (kind === "from" || kind === "to") return "template";
  if (kind !== "point") return kind;
  const inKey = isForOthers(own) ? 0 : own.length;
  const type = part < inKey ? key[part] : data === "verdict" ? undefined : data?.[part - inKey];
  return sortOf(type) ?? "template";
}
