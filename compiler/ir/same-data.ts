/** Whether plain data is the same. */

/** Whether `a` and `b` are the same plain data without circles, with the same order of members. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((value, i) => isSame(value, b[i]));
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  const [mine, theirs] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.length === others.length && keys.every((key, i) => key === others[i] && isSame(mine[key], theirs[key]));
}

/** Without a list of them: there are a hundred thousand translations. */
export function countMembers(thing: object): number {
  let count = 0;
  for (const _ in thing) count++;
  return count;
}
