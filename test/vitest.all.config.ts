import { mergeConfig } from "vitest/config";
import quick from "./vitest.config.ts";

/** Everything: also what reads rules and manifests of others beside the project, what takes long, and laws on more random inputs. */
export default mergeConfig(quick, {
  test: { include: ["test/{corpus,long}/**/*.test.ts"], env: { KPC_RUNS: "all" }, testTimeout: 600_000, maxWorkers: 3 },
});
