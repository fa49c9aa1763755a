/** `kpc picture`: rules, a Service or the cluster as a drawing. */
import { dialectOf, isIr } from "../formats/read-rules.ts";
import { readSource } from "./inputs.ts";
import { isManifests } from "./is-manifests.ts";
import type { PictureFlags } from "./picture-output.ts";
import { Trouble } from "./trouble.ts";

/** `kpc picture`. Rules are drawn as their chains. */
export async function pictureCommand(names: readonly string[], flags: PictureFlags): Promise<number> {
  const inputs = [...names, ...(flags.filename ?? [])];
  if (inputs.length === 0) throw new Trouble("no input: name manifests or rules, or - for standard input");
  const manifests = inputs.filter(hasManifests);
  const [rules] = inputs.filter((name) => !manifests.includes(name));
  if (manifests.length > 0 && rules !== undefined)
    throw new Trouble(`${manifests[0]} has manifests, and ${rules} has rules: expected one of both`);
  if (rules !== undefined && flags.cluster === true)
    throw new Trouble(`--cluster: expected manifests, ${rules} has rules`);
  if (rules !== undefined) return (await import("./picture-chains.ts")).pictureOfRules(inputs, flags);
  const { chains = false, cluster = false, chain, table, service } = flags;
  if (chains && cluster) throw new Trouble("--chains and --cluster: expected one of both");
  if (chains) return (await import("./picture-chains.ts")).pictureOfCompiled(names, flags);
  const other = chain === undefined ? (table === undefined ? undefined : "--table") : "--chain";
  if (other !== undefined) throw new Trouble(`${other} chooses rules: add --chains`);
  if (service === undefined || cluster) return (await import("./picture-cluster.ts")).pictureOfCluster(names, flags);
  return (await import("./picture-service.ts")).pictureOfService(names, service, flags);
}

/** Whether an input has manifests; of standard input its text tells. */
function hasManifests(name: string): boolean {
  if (name !== "-") return isManifests(name);
  const { text } = readSource(name);
  return !isIr(text) && dialectOf(text) === undefined;
}
