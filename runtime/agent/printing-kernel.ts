/** A kernel that takes every transaction and has none: what an agent would do is shown, and nothing is done. */
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { type AgentKernel, wholeStep } from "./kernel.ts";

export const PRINTING_KERNEL: AgentKernel = {
  print: (changes) => changes.map(printChange).join(""),
  addsToSteps: false,
  steps: wholeStep,
  change: () => Promise.resolve({ kind: "done" }),
  restore: () => Promise.resolve({ answer: { kind: "done" }, differed: 0, transactions: 0 }),
  hasTables: () => Promise.resolve(false),
  generation: () => Promise.resolve(0),
  rules: () => Promise.resolve(""),
  drifted: () => Promise.resolve(undefined),
  forgetConnections: () => Promise.resolve(0),
  close: () => Promise.resolve(),
};
