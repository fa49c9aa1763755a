/** `kpc picture` of a cluster: its nodes and pods, the endpoints of a Service, what is wrong where. */
import { findClusterFaults } from "../findings/cluster-findings.ts";
import { drawCluster } from "../pictures/cluster/draw.ts";
import { clusterStory } from "../pictures/cluster/story.ts";
import { describeInputs } from "./describe.ts";
import { servicesIn } from "./matrix-filter.ts";
import { type PictureFlags, printScene } from "./picture-output.ts";
import { EXIT, inputsOf } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Exit code 1 where something is wrong, as of `kpc check`. */
export async function pictureOfCluster(names: readonly string[], flags: PictureFlags): Promise<number> {
  if (flags.output !== "svg") throw new Trouble(`the cluster: expected -o svg, found -o ${flags.output}`);
  const told = await describeInputs(inputsOf(names, flags), flags);
  if (told.described === undefined) return told.code;
  const { described } = told;
  const { cluster, specs } = described.input;
  const [service, another] = servicesIn(flags.service, specs.services) ?? [];
  if (another !== undefined) throw new Trouble(`--service: expected one Service, found ${service} and ${another}`);
  const findings = flags.findings === false ? undefined : findClusterFaults(described).findings;
  await printScene(drawCluster(clusterStory(cluster, described.layout.network, findings, service)), flags);
  return findings?.some(({ severity }) => severity === "error") === true ? EXIT.finding : EXIT.fine;
}
