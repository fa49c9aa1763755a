import { irEngine } from "./ir.ts";
import type { Engine } from "./types.ts";

/** All engines, by the name that users give. */
export const ENGINES: readonly Engine[] = [irEngine];

/** The engines that `list` names: a comma list, or `all`. The second part is names that no engine has. */
export function chooseEngines(list: string): {
  readonly engines: readonly Engine[];
  readonly unknown: readonly string[];
} {
  if (list === "all") return { engines: ENGINES, unknown: [] };
  const names = list.split(",").map((name) => name.trim());
  return {
    engines: ENGINES.filter(({ name }) => names.includes(name)),
    unknown: names.filter((name) => !ENGINES.some((engine) => engine.name === name)),
  };
}
