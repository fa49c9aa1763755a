import { type Prefix, printPrefix } from "../net/prefix.ts";
import type { Specs } from "../specs/types.ts";
import type { Config } from "./config.ts";

/** The blocks that Service addresses are taken from, of both families, each once: those that the settings name, else those
 *  of all ServiceCIDR objects in the order of their names. Empty when nothing says. */
export function serviceCidrsOf({ serviceCidrs }: Config, specs: Specs): readonly Prefix[] {
  if (serviceCidrs !== undefined) return serviceCidrs;
  const objects = [...specs.serviceCidrs].sort((a, b) => (a.meta.name < b.meta.name ? -1 : 1));
  const blocks = objects.flatMap(({ cidrs }) => cidrs.map(({ value }) => [printPrefix(value), value] as const));
  return [...new Map(blocks).values()];
}
