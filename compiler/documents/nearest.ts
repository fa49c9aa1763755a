/** Did you mean …? */

/** Longer words are no slip of a known one, and comparing takes time that grows with the length. */
const MAX_LENGTH = 60;

/** The word in `known` that is at most two edits (insert, delete, replace, swap) from `word`, or differs in case only. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = candidate.toLowerCase() === word.toLowerCase() ? 0 : editDistance(word, candidate);
    if (distance <= Math.min(2, candidate.length / 3) && (best === undefined || distance < best.distance))
      best = { word: candidate, distance };
  }
  return best?.word;
}

/** Shorter words begin too many others. */
const MIN_COMMON = 4;

/** The only word in `known` that begins with `word`, or that `word` begins with: `ingressClassName` for `ingressClass`. */
export function sharingStart(word: string, known: Iterable<string>): string | undefined {
  const found = [...known].filter((candidate) => {
    const [shorter, longer] = word.length < candidate.length ? [word, candidate] : [candidate, word];
    return shorter.length >= MIN_COMMON && longer.startsWith(shorter);
  });
  return found.length === 1 ? found[0] : undefined;
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let previous2: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replace, (previous[j] as number) + 1, (row[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (previous2[j - 2] as number) + 1);
      row.push(cost);
    }
    previous2 = previous;
    previous = row;
  }
  return previous[b.length] as number;
}
