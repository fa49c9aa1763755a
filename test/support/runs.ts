/** Whether this is `npm run test:all`, not the quick set. */
export const EVERYTHING = process.env["KPC_RUNS"] === "all";

/** Whether tests are judges of mutants. */
export const IS_JUDGED = process.env["KPC_RUNS"] === "mutants";

/** Mutants are judged by twice as many random inputs as the quick set has. */
const SHARE = EVERYTHING ? 1 : IS_JUDGED ? 40 : 80;

/** How many random inputs a law is held on: an eightieth of `all` in the quick set, all of them in `npm run test:all`. */
export function runs(all: number): number {
  return Math.ceil(all / SHARE);
}

/** How large an input is that shows how work grows with size: a tenth of `all` in the quick set. */
export function many(all: number): number {
  return EVERYTHING ? all : Math.ceil(all / 10);
}

/** Rows of a table that are tried: all, in the quick set `count` of them, from all over it. */
export function some<T>(rows: readonly T[], count: number): readonly T[] {
  if (EVERYTHING || count >= rows.length) return rows;
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)] as T);
}
