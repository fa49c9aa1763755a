/** Orders that do not depend on the order of documents, nor on a locale. */

/** A comparison by several keys, the first that differs; text by UTF-16 code units, as `<` compares strings. */
export function compareBy<T>(...keys: readonly ((item: T) => string | number | bigint)[]): (a: T, b: T) => number {
  return (a, b) => {
    for (const key of keys) {
      const left = key(a);
      const right = key(b);
      if (left < right) return -1;
      if (left > right) return 1;
    }
    return 0;
  };
}

/** The first number from `low` to before `high` of which `isBefore` does not hold, else `high`. It holds of none behind that one. */
export function firstNotBefore(low: number, high: number, isBefore: (i: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isBefore(middle)) from = middle + 1;
    else to = middle;
  }
  return from;
}
