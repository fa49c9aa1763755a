/** URLs that may tell controllers apart: each is near what some rule says. */
import { compareBy } from "../order.ts";
import { PREFIX } from "./model.ts";
import { sampleOf } from "./sample.ts";
import type { ControlledIngress } from "./types.ts";

/** A host in lower case, and a path. */
export interface ProbeUrl {
  readonly host: string;
  readonly path: string;
}

/**
 * For each host that a rule names (for a wildcard: names with one and with two more labels), and for a host that none names: each path of these hosts
 * and of less specific ones, with a slash, more elements and more characters behind it, in the other case, and spelled in ways that mean the same. The
 * shortest first.
 */
export function probesFor(ingresses: readonly ControlledIngress[]): ProbeUrl[] {
  const paths = pathsByHost(ingresses);
  const probes: ProbeUrl[] = [];
  for (const host of hostsOf(paths)) {
    const spelled = new Set(["/", "/x"]);
    for (const name of namesFor(host)) for (const path of paths.get(name) ?? []) addSpellings(path, spelled);
    for (const path of spelled) probes.push({ host, path });
  }
  return probes.sort(
    compareBy(
      ({ host, path }) => host.length + path.length,
      ({ path }) => path.length,
      ({ host }) => host,
      ({ path }) => path,
    ),
  );
}

/** The paths of each host as rules name it; those without a host by "". */
function pathsByHost(ingresses: readonly ControlledIngress[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { rules, annotations } of ingresses) {
    const aliases = (annotations.get(`${PREFIX}server-alias`) ?? "").split(",").map((alias) => alias.trim());
    const hasOtherName = annotations.get(`${PREFIX}from-to-www-redirect`) === "true";
    for (const { host = "", paths } of rules) {
      const other = host.startsWith("www.") ? host.slice(4) : `www.${host}`;
      const names = [host, ...aliases.filter((alias) => alias !== "" && host !== ""), ...(hasOtherName ? [other] : [])];
      for (const name of names) {
        const known = found.get(name) ?? new Set();
        found.set(name, known);
        for (const { path } of paths) known.add(path);
      }
    }
  }
  return found;
}

function* hostsOf(paths: ReadonlyMap<string, unknown>): Generator<string> {
  const fresh = (prefix: string, suffix: string): string => {
    let label = prefix;
    while (paths.has(label + suffix)) label += "x";
    return label + suffix;
  };
  yield fresh("x", "");
  for (const host of paths.keys()) {
    if (host.startsWith("*.")) yield* [fresh("x", host.slice(1)), fresh("x.x", host.slice(1))];
    else if (host !== "") yield host;
  }
}

/** The names under which rules for a host may stand, wildcards of any labels among them. */
function* namesFor(host: string): Generator<string> {
  yield host;
  for (let at = host.indexOf("."); at > 0; at = host.indexOf(".", at + 1)) yield `*${host.slice(at)}`;
  yield "";
}

/** Characters that begin the part of a regular expression that is no literal text. */
const SPECIAL = /[([{.*+?^$|\\]/;

function addSpellings(path: string, spelled: Set<string>): void {
  const special = path.search(SPECIAL);
  const literal = special < 0 ? path : path.slice(0, special);
  const base = literal.replace(/\/$/, "");
  const add = (text: string): void => {
    if (/^\/[!-"$->@-~]*$/.test(text)) spelled.add(text);
  };
  for (const end of ["", "/", "/x", "x"]) add(base + end);
  add(swapCase(base));
  add(`${swapCase(base)}/x`);
  add(`/${base}`);
  add(`/x/..${base}`);
  add(base.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`));
  if (special >= 0) for (const sample of [sampleOf(path, true), sampleOf(path, false)]) add(sample);
}

function swapCase(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase();
}
