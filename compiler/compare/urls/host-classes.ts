/** Hosts that two tables treat alike. */
import { hostName } from "../../evaluate/http-route.ts";

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

/** A name below `wildcard` with one label more than it needs, which no more specific one of `named` takes. */
export function deepName(wildcard: string, named: { readonly has: (host: string) => boolean }): string {
  const suffix = wildcard.slice(1);
  return fresh(
    (label) => `x.${label}${suffix}`,
    (name) => named.has(name) || named.has(name.slice(2)) || named.has(`*${name.slice(1)}`),
  );
}

/** Rules by the names of hosts. */
export interface NameTable {
  /** Precise hosts, and `*.` with a suffix. */
  readonly named: readonly string[];
  /** What decides for a name in lower case; undefined: the request has none. Equal values: the same rules. */
  readonly rulesFor: (name: string | undefined) => unknown;
}

/** Hosts with the same rules on both sides. */
export interface NamedHosts {
  /** As a rule names them; undefined: those that none names. */
  readonly host: string | undefined;
  /** Some of them, one of the shortest first; undefined: a request that names no host. */
  readonly names: readonly (string | undefined)[];
  /** Whether there is only this one. */
  readonly isOne: boolean;
  /** Only those with two labels or more in the place of the `*`. */
  readonly isDeep?: true;
}

/** All classes of hosts. A wildcard of a side may stand for one label, or for any number of them. */
export function* namedHosts(a: NameTable, b: NameTable): Generator<NamedHosts> {
  const named = new Set([...a.named, ...b.named]);
  const isSame = (one: string | undefined, other: string | undefined): boolean =>
    a.rulesFor(one) === a.rulesFor(other) && b.rulesFor(one) === b.rulesFor(other);
  for (const host of named) {
    const isWildcard = host.startsWith("*.");
    // No request leads to it.
    if (hostName(host) !== host || host === "*.") continue;
    if (!isWildcard) {
      yield { host, names: [host], isOne: true };
      continue;
    }
    const names = twoFresh((label) => `${label}${host.slice(1)}`, named);
    const deep = deepName(host, named);
    if (isSame(names[0], deep)) yield { host, names: [...names, deep], isOne: false };
    else {
      yield { host, names, isOne: false };
      yield { host, names: [deep, `x.${deep}`], isOne: false, isDeep: true };
    }
  }
  const others = twoFresh((label) => label, named);
  yield { host: undefined, names: others, isOne: false };
  if (!isSame(others[0], undefined)) yield { host: undefined, names: [undefined], isOne: false };
}

function twoFresh(make: (label: string) => string, named: ReadonlySet<string>): [string, string] {
  const one = fresh(make, (name) => named.has(name));
  return [one, fresh(make, (name) => name === one || named.has(name))];
}

/** The first of `x`, `x1`, `x2`, … with which `make` gives nothing that is taken. */
export function fresh(make: (word: string) => string, isTaken: (text: string) => boolean): string {
  for (let n = 0; ; n++) {
    const made = make(n === 0 ? "x" : `x${n}`);
    if (!isTaken(made)) return made;
  }
}
