import type { LocatedPrefix } from "../model/network-check-input.ts";
import { type Prefix, printPrefix } from "../net/prefix.ts";
import type { Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";

/** The blocks that Service addresses are taken from, of both families, each once: those that the settings name, else those
 *  of all ServiceCIDR objects in the order of their names. Empty when nothing says. */
export function serviceCidrsOf(config: Config, specs: Specs): readonly Prefix[] {
  return locatedServiceCidrsOf(config, specs).map(({ prefix }) => prefix);
}

/** The blocks that Service addresses are taken from, with their places as far as they are known. */
export function locatedServiceCidrsOf({ serviceCidrs }: Config, specs: Specs): readonly LocatedPrefix[] {
  if (serviceCidrs !== undefined) return serviceCidrs.map((prefix) => ({ prefix, origin: undefined }));
  const objects = [...specs.serviceCidrs].sort((a, b) => (a.meta.name < b.meta.name ? -1 : 1));
  const blocks = new Map<string, LocatedPrefix>();
  for (const { cidrs } of objects)
    for (const { value, field } of cidrs) {
      const key = printPrefix(value);
      if (!blocks.has(key)) blocks.set(key, { prefix: value, origin: field });
    }
  return [...blocks.values()];
}
