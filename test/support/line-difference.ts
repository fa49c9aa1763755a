/** Two texts held against each other, line by line. */

/** The lines that are only in one of two texts, `-` and `+`, each below the blocks that it stands in. */
export function differenceOf(before: readonly string[], after: readonly string[]): string[] {
  const found: string[] = [];
  const open: { readonly line: string; isShown: boolean }[] = [];
  const pass = (line: string): void => {
    if (/\{$|^\*/.test(line)) open.push({ line, isShown: false });
    else if (/^\s*\}$|^COMMIT$/.test(line)) open.pop();
  };
  const show = (sign: string, line: string): void => {
    for (const block of open) {
      if (!block.isShown) found.push(`  ${block.line}`);
      block.isShown = true;
    }
    found.push(`${sign} ${line}`);
  };
  // What two texts begin with is the same for the most part.
  let first = 0;
  while (first < before.length && before[first] === after[first]) first++;
  for (const line of before.slice(0, first)) pass(line);
  const [olds, nows] = [before.slice(first), after.slice(first)];
  const numbers = new Map([...olds, ...nows].map((line, i) => [line, i]));
  const [oldNumbers, nowNumbers] = [olds, nows].map((lines) =>
    Int32Array.from(lines, (line) => numbers.get(line) ?? -1),
  );
  const width = nows.length + 1;
  // The length of the longest common rest, from each pair of lines on.
  const common = new Uint16Array((olds.length + 1) * width);
  for (let i = olds.length - 1; i >= 0; i--)
    for (let j = nows.length - 1; j >= 0; j--)
      common[i * width + j] =
        oldNumbers?.[i] === nowNumbers?.[j]
          ? (common[(i + 1) * width + j + 1] as number) + 1
          : Math.max(common[(i + 1) * width + j] as number, common[i * width + j + 1] as number);
  let i = 0;
  let j = 0;
  while (i < olds.length || j < nows.length) {
    const [old, now] = [olds[i], nows[j]];
    if (old !== undefined && old === now) {
      pass(old);
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
