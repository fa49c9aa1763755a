/** Branches of a walk that differ in nothing but the endpoint. */
import type { PathStep } from "../../evaluate/packet.ts";
import type { Host } from "../../network/network.ts";
import type { Hop, Leg, Walk, WalkBranch, WalkStep } from "../../walk/types.ts";

/** Branches that go the same way, through other hosts of the same kinds; at least one. */
export interface BranchGroup {
  readonly probability: number;
  readonly branches: readonly WalkBranch[];
}

/** Those first that are likelier; of equal ones those that come further. */
export function groupsOf({ branches }: Walk, hosts: ReadonlyMap<string, Host>): BranchGroup[] {
  const groups = new Map<string, WalkBranch[]>();
  for (const branch of branches) {
    const key = shapeOf(branch, hosts);
    groups.set(key, [...(groups.get(key) ?? []), branch]);
  }
  return [...groups.values()]
    .map((same) => ({ probability: same.reduce((sum, { probability }) => sum + probability, 0), branches: same }))
    .sort((a, b) => (isClose(a, b) ? lengthOf(b) - lengthOf(a) : b.probability - a.probability));
}

function isClose(a: BranchGroup, b: BranchGroup): boolean {
  return Math.abs(a.probability - b.probability) < 1e-9;
}

function lengthOf({ branches: [first] }: BranchGroup): number {
  return first?.there.hops.length ?? 0;
}

/** Equal for branches that differ in names, addresses and ports only. */
function shapeOf({ condition, there, back, notice }: WalkBranch, hosts: ReadonlyMap<string, Host>): string {
  const known = new Map<string, number>();
  const placeOf = (name: string): string => {
    const place = known.get(name) ?? known.size;
    known.set(name, place);
    return `${hosts.get(name)?.role.kind}${place}`;
  };
  const legOf = ({ hops, end }: Leg): string =>
    [
      ...hops.map(
        (hop) =>
          `${placeOf(hop.host)} ${hop.steps
            .filter((step) => !isNothing(step))
            .map(stepShape)
            .join(",")}${changeOf(hop)}`,
      ),
      end.kind,
    ].join(" > ");
  return [condition.id, ...[there, back, notice].map((leg) => (leg === undefined ? "" : legOf(leg)))].join("\n");
}

/** Whether rules led the packet through chains and did nothing else to it: a table of one family may have a chain more. */
function isNothing(step: WalkStep): boolean {
  return step.kind === "rules" && step.path.every(isOnlyLed);
}

function isOnlyLed(step: PathStep): boolean {
  if (step.kind === "policy") return step.base.policy === "accept";
  if (step.kind !== "rule" || step.effect.kind !== "verdict") return false;
  const { kind } = step.effect.verdict;
  return kind === "jump" || kind === "goto" || kind === "return" || kind === "continue";
}

function stepShape(step: WalkStep): string {
  switch (step.kind) {
    case "bridged":
      return `bridged ${step.port !== undefined}`;
    case "routed":
      return `routed ${step.route.kind} ${step.hop.gateway !== undefined}`;
    case "translated":
      return `translated ${step.by}`;
    case "rules":
      return `rules ${step.hook}`;
    default:
      // Others are alike in shape, whoever takes part.
      return step.kind;
  }
}

function changeOf({ before, after }: Hop): string {
  return `${before.source !== after.source}${before.destination !== after.destination}`;
}
