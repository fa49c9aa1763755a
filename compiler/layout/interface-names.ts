/** Names of interfaces, as Linux takes them: at most 15 characters, without a slash, once on a host. */

const MOST = 15;

/** `wanted` as a name that is not among `taken`. */
export function interfaceName(wanted: string, taken: ReadonlySet<string>): string {
  const clean = wanted.replace(/[/:\s]/g, "-");
  for (let n = 0; ; n++) {
    const suffix = n === 0 ? "" : `~${n}`;
    const text = `${clean.slice(0, MOST - suffix.length)}${suffix}`;
    if (!taken.has(text)) return text;
  }
}

/** The ports of a switch that lead to `hosts`, which are `node/n1` and the like, by host. Those of the first hosts do not depend on
 *  who follows. */
export function portNames(hosts: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    hosts.map((host) => {
      const name = interfaceName(`p-${host.replace(/^(?:node|outside)\//, "")}`, taken);
      taken.add(name);
      return [host, name];
    }),
  );
}
