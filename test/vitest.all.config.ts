import { mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import quick from "./vitest.config.ts";

/** Files that take minutes: one that begins last is alone in the end. */
const LONGEST: readonly string[] = ["long/sizes", "long/large-input", "long/deep-nesting"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification): boolean =>
      LONGEST.some((name) => moduleId.endsWith(`test/${name}.test.ts`));
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

/** Everything: also what reads rules and manifests of others beside the project, what takes long, and laws on more random inputs. */
export default mergeConfig(quick, {
  test: {
    include: ["test/{corpus,long}/**/*.test.ts"],
    env: { KPC_RUNS: "all" },
    testTimeout: 600_000,
    sequence: { sequencer: LongestFirst },
  },
});
