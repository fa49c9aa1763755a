/** Hosts that two tables treat alike. */

/** A class of hosts for each of `named` (names, and `*.` with a suffix) and one for all others (undefined), with a name in it. */
export function* hostClasses(named: ReadonlySet<string>): Generator<readonly [string | undefined, string]> {
  const isNamed = (name: string): boolean => named.has(name);
  for (const host of named) {
    if (!host.startsWith("*.")) yield [host, host];
    else yield [host, fresh((label) => `${label}${host.slice(1)}`, isNamed)];
  }
  // A single label, which no wildcard takes.
  yield [undefined, fresh((label) => label, isNamed)];
}

/** The first of `x`, `x1`, `x2`, … with which `make` gives nothing that is taken. */
export function fresh(make: (word: string) => string, isTaken: (text: string) => boolean): string {
  for (let n = 0; ; n++) {
    const made = make(n === 0 ? "x" : `x${n}`);
    if (!isTaken(made)) return made;
  }
}
