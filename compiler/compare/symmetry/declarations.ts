/** What rules and elements may name. */
import { isAffinity } from "../../evaluate/memory.ts";
import { countElements } from "../../ir/element-rows.ts";
import { stringify } from "../../ir/normal-form.ts";
import { isSame } from "../../ir/same-data.ts";
import { isMap } from "../../ir/sets.ts";
import type { DataType, MapDeclaration, SetDeclaration, Table, TableFamily } from "../../ir/types.ts";
import type { Parameter } from "./row-template.ts";

/** What a table declares, for those that name it. */
export interface Declarations {
  /** A text for the table and each side on which what is described stands. */
  readonly where: readonly string[];
  readonly family: TableFamily;
  readonly sets: ReadonlyMap<string, DeclaredTypes>;
  /** Parameters of its regular chains. */
  readonly chains: ReadonlyMap<string, Parameter>;
}

interface DeclaredTypes {
  readonly key: readonly DataType[];
  readonly data: DataTypes | undefined;
  /** What stands for the name of a list of session affinity: rules ask and fill all that have one text alike. */
  readonly alike?: string | undefined;
}

export type DataTypes = "verdict" | readonly DataType[];

/** Says of sets and maps of `table` what a list of session affinity is but for its name. Rules fill it, and the evaluator follows neither
 *  what they put there nor which list it is. Undefined: it is another set. */
export function affinityTextsOf(table: Table): (set: SetDeclaration | MapDeclaration) => string | undefined {
  // There is one for each sticky endpoint; most are as the one before.
  let last: { readonly rest: object; readonly text: string } | undefined;
  return (set) => {
    if (isMap(set) || countElements(set) > 0 || !isAffinity(set.name, table)) return undefined;
    const { name: _, comment: __, ...rest } = set;
    if (last === undefined || !isSame(last.rest, rest)) last = { rest, text: `affinity ${stringify(rest)}` };
    return last.text;
  };
}
