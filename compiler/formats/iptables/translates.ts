/** What the chains of the nat table translate: it depends on the hooks that lead to them. */

type Translated = "destination" | "source";

const BUILT_IN: Readonly<Record<string, Translated>> = {
  PREROUTING: "destination",
  OUTPUT: "destination",
  INPUT: "source",
  POSTROUTING: "source",
};

/** By the names of chains in a text for iptables-restore; a chain that both kinds of hooks lead to, or none, is not in it.
 *  Only NETMAP asks for it. */
export function findTranslated(text: string): ReadonlyMap<string, Translated> {
  if (!/\bNETMAP\b/.test(text)) return new Map();
  const [, ...sections] = text.split(/^(?=\*)/m);
  const ofNat = sections.length === 0 ? text : sections.filter((each) => /^\*nat\b/.test(each)).join("\n");
  const callers = new Map<string, Set<string>>();
  for (const [, chain = "", target = ""] of ofNat.matchAll(
    /(?:-A|-I|--append|--insert) (\S+).* (?:-j|-g|--jump|--goto) (\S+)/g,
  ))
    callers.set(target, (callers.get(target) ?? new Set()).add(chain));
  const found = new Map<string, Translated>(Object.entries(BUILT_IN));
  for (const chain of callers.keys()) {
    const kinds = new Set([...leadingTo(chain, callers)].flatMap((each) => BUILT_IN[each] ?? []));
    const [only, more] = kinds;
    if (only !== undefined && more === undefined) found.set(chain, only);
  }
  return found;
}

/** `chain`, and all chains from which packets come to it. */
function leadingTo(chain: string, callers: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const all = new Set([chain]);
  for (const each of all) for (const caller of callers.get(each) ?? []) all.add(caller);
  return all;
}
