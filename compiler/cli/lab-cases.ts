/** Expectations for a cluster, held against what a lab shows. */
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import type { PacketLab } from "../../runtime/lab/lab.ts";
import { LabTrouble } from "../../runtime/lab/lab-helper.ts";
import { observedBranch } from "../../runtime/lab/observed-branch.ts";
import { isAsPredicted, type LabFlow, makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { ReplayInput } from "../expectations/cluster/replay.ts";
import { LAB_ENGINE, type PlannedFlow, planClusterCase, skipClusterCase } from "../expectations/cluster/run.ts";
import type { ClusterCase } from "../expectations/cluster/types.ts";
import type { FlowResult } from "../expectations/run.ts";
import type { Mode } from "../node/settings.ts";
import { labOptionsFor, labRequestOf, whyNotSent, whyNotTaken } from "./lab-ingress.ts";
import { whyNoLab } from "./lab-trouble.ts";
import { Trouble } from "./trouble.ts";

/** The results of all flows of `testCase` in a lab; where none can be made, each flow is skipped. */
export async function testInLab(
  testCase: ClusterCase,
  mode: Mode,
  described: Described,
  replay: ReplayInput,
): Promise<FlowResult[]> {
  try {
    const planned = planClusterCase(testCase, mode, described, { engine: LAB_ENGINE, replay });
    const session = await LabSession.open(sessionInput(described), labOptionsFor(described, planned));
    return await runCaseInLab(planned, session, described);
  } catch (error) {
    if (error instanceof LabTrouble) return skipClusterCase(testCase, mode, LAB_ENGINE, whyNoLab(error));
    throw error;
  }
}

/** What is built, and what predicts packets in it. */
export function sessionInput({
  layout: { network },
  walker,
  programOf,
  dumpsOf,
}: Described): Parameters<typeof LabSession.open>[0] {
  return { network, walker, programOf, dumpsOf };
}

/** Tells where the lab is not what was asked for: rules that were given, and are there as kpc prints them; interfaces that do not run. */
export function labNotes({
  printedRules,
  lateInterfaces,
}: Pick<PacketLab, "printedRules" | "lateInterfaces">): string[] {
  const rules = [...printedRules].map(
    ([host, reason]) => `the rules of ${host} are in the lab as kpc prints them, not as given: ${reason}`,
  );
  const late = [...lateInterfaces].map(
    ([host, names]) => `interfaces of ${host} do not run after half a minute, and may lose packets: ${names}`,
  );
  return [...rules, ...late];
}

/** Makes all flows of a case, and closes the session. Throws `Trouble` where the lab fails. */
async function runCaseInLab(
  all: readonly PlannedFlow[],
  session: LabSession,
  described: Described,
): Promise<FlowResult[]> {
  try {
    const found: FlowResult[] = [];
    for (const planned of all) {
      if (planned.flow === undefined) found.push(planned.failure);
      else {
        const reason = whyNotSent(planned.request?.text) ?? whyNotTaken(planned, described);
        if (reason !== undefined) {
          found.push(planned.skip(reason));
          continue;
        }
        found.push(judgeMade(planned, await makeFlow(session, planned.flow, undefined, labRequestOf(planned))));
      }
    }
    return found;
  } catch (error) {
    if (error instanceof LabTrouble) throw new Trouble(`the lab failed: ${error.message}`);
    throw error;
  } finally {
    session.close();
  }
}

/** Whether what was seen is as expected. Branches that were never seen count as predicted, where all that was seen was. */
export function judgeMade(
  { judge }: Extract<PlannedFlow, { readonly failure?: undefined }>,
  made: LabFlow,
): FlowResult {
  const { attempts } = made;
  const other = attempts.find(({ comparison }) => comparison?.isEqual !== true);
  const [first] = attempts;
  if (first === undefined) throw new Error("invariant broken: a flow is made at least once");
  if (isAsPredicted(made) || other === undefined) {
    const result = judge(first.walk);
    const seen = new Set(
      attempts.map(({ walk, comparison }) => comparison && walk.branches.indexOf(comparison.branch)),
    );
    const missing = first.walk.branches.length - seen.size;
    return missing === 0
      ? result
      : { ...result, actual: `${result.actual} (${missing} of ${first.walk.branches.length} branches not seen)` };
  }
  const branch = observedBranch(other);
  const what = other.comparison === undefined ? "nothing was predicted" : disagreementIn(other.comparison);
  const result = judge({ flow: other.walk.flow, branches: branch.kind === "delivered" ? [branch.branch] : [] });
  const lost = branch.kind === "lost" ? `lost: last seen at ${branch.at}` : undefined;
  const { trace: _, ...rest } = result;
  return {
    ...rest,
    status: "fail",
    actual: lost ?? result.actual,
    got: lost === undefined ? [result.actual] : [lost],
    reason:
      result.status === "fail" && lost === undefined
        ? `${result.reason} (and not as predicted: ${what})`
        : `not as predicted: ${what}`,
  };
}
