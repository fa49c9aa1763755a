/** Numbers that codes and results have for the words of outcomes. */
import { VERDICT_ACCEPT, VERDICT_DNAT, VERDICT_DROP, VERDICT_PASS, VERDICT_REJECT } from "../../../assembly/layout.ts";
import type { RejectWith } from "../../ir/types.ts";

export const VERDICTS = {
  pass: VERDICT_PASS,
  accept: VERDICT_ACCEPT,
  drop: VERDICT_DROP,
  reject: VERDICT_REJECT,
  dnat: VERDICT_DNAT,
} as const;

/** By number; the last three are of results only. */
export const VERDICT_NAMES = [
  "pass",
  "accept",
  "drop",
  "reject",
  "dnat",
  "malformed",
  "fragment",
  "unseen",
] as const satisfies readonly [keyof typeof VERDICTS, ...string[]];

export type ResultVerdict = (typeof VERDICT_NAMES)[number];

/** By number; there is room for eight. */
export const REJECTS: readonly RejectWith[] = [
  "port-unreachable",
  "host-unreachable",
  "net-unreachable",
  "admin-prohibited",
  "tcp-reset",
  "host-prohibited",
  "net-prohibited",
  "protocol-unreachable",
];
