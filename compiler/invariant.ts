/** For our own bugs: user input never ends up here. */

/** Closes an exhaustive switch: a new kind then fails to compile at every place that must learn it. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value, bigintAsText)}`);
}

/** Throws when `condition` is false: `message` says which of our own promises is broken. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** `value`, which a promise of ours says is there. */
export function required<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new Error(`invariant broken: ${message}`);
  return value;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
