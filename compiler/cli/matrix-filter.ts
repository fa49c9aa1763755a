/** Which rows of a matrix are wanted: `--service`, `--entries`. */
import { nearest } from "../documents/nearest.ts";
import { MATRIX_ENTRIES, type MatrixEntry } from "../matrix/types.ts";
import type { ServiceSpec } from "../specs/types.ts";
import { Trouble } from "./trouble.ts";

/** The ways in that `text` names by commas; undefined: all. */
export function entriesIn(text: string | undefined): ReadonlySet<MatrixEntry> | undefined {
  if (text === undefined) return undefined;
  return new Set(
    text.split(",").map((word) => {
      const entry = MATRIX_ENTRIES.find((each) => each === word.trim());
      if (entry === undefined)
        throw new Trouble(
          `--entries: expected ${MATRIX_ENTRIES.join(", ")}, found "${word}"${hint(word, MATRIX_ENTRIES)}`,
        );
      return entry;
    }),
  );
}

/** The Services that `text` names by commas, as `namespace/name`; undefined: all. A name without a namespace is that of one Service. */
export function servicesIn(
  text: string | undefined,
  services: readonly ServiceSpec[],
): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const byName = new Map(services.map(({ meta }) => [`${meta.namespace}/${meta.name}`, meta.name]));
  const known = [...byName].map(([full, short]) => ({ full, short }));
  return new Set(
    text.split(",").map((word) => {
      const wanted = word.trim().replace(/^svc\//, "");
      const found = known.filter(({ full, short }) => full === wanted || short === wanted);
      const [first, second] = found;
      const full = found.find((each) => each.full === wanted) ?? first;
      if (full === undefined) {
        const names = known.flatMap((each) => (wanted.includes("/") ? [each.full] : [each.short, each.full]));
        throw new Trouble(`--service: the input has no Service "${wanted}"${hint(wanted, names)}`);
      }
      if (full.full !== wanted && second !== undefined)
        throw new Trouble(
          `--service: "${wanted}" is ${found.map((each) => each.full).join(" or ")}: expected NAMESPACE/NAME`,
        );
      return full.full;
    }),
  );
}

function hint(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near === undefined ? "" : `, did you mean "${near}"?`;
}
