/** A kernel that takes every transaction and has none: what an agent would do is shown, and nothing is done. */
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { BesideIptables } from "./iptables-kernel.ts";
import type { AgentKernel } from "./kernel.ts";
import { wholeStep } from "./kernel-steps.ts";

export const PRINTING_KERNEL: AgentKernel & BesideIptables = {
  print: (changes) => changes.map(printChange).join(""),
  addsToSteps: false,
  comparesBeside: true,
  steps: wholeStep,
  change: () => Promise.resolve({ kind: "done" }),
  restore: () => Promise.resolve({ answer: { kind: "done" }, differed: 0, transactions: 0 }),
  hasTables: () => Promise.resolve(false),
  generation: () => Promise.resolve(0),
  rules: () => Promise.resolve(""),
  changedByOthers: () => Promise.resolve({ kind: "nothing" }),
  drifted: () => Promise.resolve(undefined),
  commitsAbout: () => Promise.resolve({ isComplete: true, commits: [] }),
  legacySizes: () => Promise.resolve(undefined),
  hasChain: () => Promise.resolve(false),
  forgetConnections: () => Promise.resolve(0),
  close: () => Promise.resolve(),
};

/** One that counts its transactions as commits: else each change of rules would pass for one beside which others have committed. */
export function printingKernel(): typeof PRINTING_KERNEL {
  let commits = 0;
  return {
    ...PRINTING_KERNEL,
    change: (step) => {
      commits++;
      return PRINTING_KERNEL.change(step);
    },
    generation: () => Promise.resolve(commits),
  };
}
