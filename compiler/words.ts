/** What `word`, which somebody wrote, means in a table of words. Words such as `constructor` mean nothing there. */
export function meaningOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
