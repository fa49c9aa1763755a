/** Two texts held against each other, line by line. */

/** The lines that are only in one of two texts, `-` and `+`, each below the blocks that it stands in. */
export function differenceOf(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  // The length of the longest common rest, from each pair of lines on.
  const common = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i * width + j] =
        before[i] === after[j]
          ? (common[(i + 1) * width + j + 1] as number) + 1
          : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
  const found: string[] = [];
  const open: { readonly line: string; isShown: boolean }[] = [];
  const show = (sign: string, line: string): void => {
    for (const block of open) {
      if (!block.isShown) found.push(`  ${block.line}`);
      block.isShown = true;
    }
    found.push(`${sign} ${line}`);
  };
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const [old, now] = [before[i], after[j]];
    if (old !== undefined && old === now) {
      if (/\{$|^\*/.test(old)) open.push({ line: old, isShown: false });
      else if (/^\s*\}$|^COMMIT$/.test(old)) open.pop();
      i++;
      j++;
    } else if (
      old !== undefined &&
      (now === undefined || (common[(i + 1) * width + j] as number) >= (common[i * width + j + 1] as number))
    ) {
      show("-", old);
      i++;
    } else {
      show("+", now as string);
      j++;
    }
  }
  return found;
}
