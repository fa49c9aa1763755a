/** A branch of a walk, told once for text, diagrams and pictures: the same rows with the same numbers. */
import type { WalkBranch } from "../../walk/types.ts";
import { endText } from "./end-text.ts";
import { noticeRows, replyRows } from "./reply.ts";
import { rowsOf, type WalkRow } from "./rows.ts";
import type { TellingContext } from "./walk-names.ts";

export interface ToldBranch {
  /** Numbered from 1. */
  readonly request: readonly WalkRow[];
  /** Its numbers go on from the request's. Empty: nobody answers, or it was not asked for. */
  readonly reply: readonly WalkRow[];
  /** Where a message to the sender is lost, without numbers; empty where there is none, or it arrives. */
  readonly notice: readonly WalkRow[];
}

/** `context.protocol` is the flow's. */
export function toldBranch(branch: WalkBranch, context: TellingContext): ToldBranch {
  const { there, back, notice } = branch;
  const request = rowsOf(there, context, endText(there.end, context, back === undefined ? notice : undefined));
  return {
    request,
    reply: back === undefined ? [] : replyRows(branch, back, request, context),
    notice: notice === undefined || notice.end.kind === "delivered" ? [] : noticeRows(notice, context),
  };
}
