/** What people write in place of `pod/NAMESPACE/NAME`, `svc/NAMESPACE/NAME` and `node/NAME`, and what they mean by it. */
import { nearest } from "../documents/nearest.ts";
import type { Specs } from "../specs/types.ts";

/** The names that a packet can have for objects of `specs`. */
export function endNames({ pods, services, nodes }: Pick<Specs, "pods" | "services" | "nodes">): string[] {
  return [
    ...pods.map(({ meta }) => `pod/${meta.namespace}/${meta.name}`),
    ...services.map(({ meta }) => `svc/${meta.namespace}/${meta.name}`),
    ...nodes.map(({ meta }) => `node/${meta.name}`),
  ];
}

/** The names among `known` that `name` may stand for: kubectl's words for kinds, a namespace left out, a name of DNS, a
 *  slip, another namespace. */
export function suggestEnds(name: string, known: readonly string[]): string[] {
  const parts = inFull(name).split("/");
  const [kind = ""] = parts;
  const wanted = KINDS.has(kind) ? parts.slice(1) : parts;
  const sameKind = KINDS.has(kind) ? known.filter((each) => each.startsWith(`${kind}/`)) : known;
  const endingIn = (ending: string): string[] => sameKind.filter((each) => each.endsWith(`/${ending}`));
  const ends = endingIn(wanted.join("/"));
  if (ends.length > 0) return ends;
  const near = nearest(parts.join("/"), sameKind);
  return near === undefined ? endingIn(wanted.at(-1) ?? "") : [near];
}

/** `, did you mean …?` with at most three of `names`. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? "" : `, did you mean ${names.slice(0, MOST).join(" or ")}?`;
}

const MOST = 3;

const KINDS = new Set(["pod", "svc", "node"]);

/** kubectl's other words for the kinds. */
export const KIND_ALIASES: ReadonlyMap<string, string> = new Map([
  ["po", "pod"],
  ["pods", "pod"],
  ["service", "svc"],
  ["services", "svc"],
  ["no", "node"],
  ["nodes", "node"],
]);

/** `name` with kpc's word for its kind; a name of DNS (`api.shop`, `api.shop.svc.cluster.local`) as the Service's. */
function inFull(name: string): string {
  const [, service, namespace] = /^([a-z][a-z0-9-]*)\.([a-z0-9-]+)(?:\.svc(?:\..*)?)?$/.exec(name) ?? [];
  if (service !== undefined && namespace !== undefined) return `svc/${namespace}/${service}`;
  const [kind = "", ...rest] = name.split("/");
  return [KIND_ALIASES.get(kind.toLowerCase()) ?? kind, ...rest].join("/");
}
