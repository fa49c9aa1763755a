import { mergeConfig } from "vitest/config";
import quick from "./vitest.config.ts";

/** Everything: also what reads rules and manifests of others beside the project, and laws on more random inputs. */
export default mergeConfig(quick, {
  test: { include: ["test/corpus/**/*.test.ts"], env: { KPC_RUNS: "all" }, testTimeout: 600_000 },
});
