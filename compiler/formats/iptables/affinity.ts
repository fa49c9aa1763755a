/** Lists of `recent` that are nothing but session affinity. */
import { addressField, addressType } from "../../ir/build.ts";
import type { SetDeclaration } from "../../ir/types.ts";
import { affinityOf, recentName } from "./extensions/lists.ts";
import { parseLine } from "./grammar.ts";
import { readPlainLine } from "./plain-line.ts";
import { linesWith } from "./text-lines.ts";

/** The list of `recent`, as a set that rules fill. */
export function declareList(name: string, seconds: number | undefined, family: "ip" | "ip6"): SetDeclaration {
  const key = [
    {
      type: addressType(family === "ip" ? "IPv4" : "IPv6"),
      sample: addressField(family === "ip" ? "IPv4" : "IPv6", "saddr"),
    },
  ];
  const timeout = seconds === undefined ? {} : { timeoutSeconds: seconds };
  return { name, key, interval: false, dynamic: true, size: LIST_SIZE, ...timeout, elements: [] };
}

/** Clients that a list of `recent` remembers (xt_recent's ip_list_tot). */
const LIST_SIZE = 100;

/** The lists of `recent` that are nothing but affinity: each use of them is plain, and all ask for the same time. */
export function findAffinity(text: string): ReadonlyMap<string, number | undefined> {
  const uses = new Map<string, Set<number | undefined | "other" | "set">>();
  for (const { start, end } of linesWith(text, " -m recent ")) {
    const options = readPlainLine(text, start, end) ?? parseLine(text.slice(start, end)).options;
    for (const [i, option] of options.entries()) {
      if (option.name !== "-m" || option.values[0] !== "recent") continue;
      const rest = options.slice(i + 1);
      const next = rest.findIndex(({ name }) => /^-[a-z]$/.test(name));
      const own = next < 0 ? rest : rest.slice(0, next);
      const list = recentName(own);
      uses.set(list, (uses.get(list) ?? new Set()).add(affinityOf(own)));
    }
  }
  const affinity = new Map<string, number | undefined>();
  for (const [list, found] of uses) {
    const times = [...found].filter((use) => use !== "set");
    const [seconds] = times;
    if (times.length <= 1 && seconds !== "other") affinity.set(list, seconds);
  }
  return affinity;
}
