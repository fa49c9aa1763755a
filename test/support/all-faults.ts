/** All faults of clusters that kpc is held to find. */
import { ENVIRONMENT_FAULTS } from "./environment-faults.ts";
import { CLUSTER_FAULTS, type Fault } from "./faults.ts";

export const FAULTS: readonly Fault[] = [...CLUSTER_FAULTS, ...ENVIRONMENT_FAULTS];
