/** What rules and elements may name. */
import type { DataType, TableFamily } from "../../ir/types.ts";
import type { Parameter } from "./row-template.ts";

/** What a table declares, for those that name it. */
export interface Declarations {
  /** A text for the table and its side. */
  readonly where: string;
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
