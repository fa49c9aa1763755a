/** What nft says of a transaction, and what it means for who has sent it. */

export type TransactionAnswer =
  | { readonly kind: "done" }
  /** Nothing was changed. */
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly message: string };

/** - `missing`: something that is to be changed is not there: the picture of the table is wrong.
 *  - `exists`: a key has another value: likewise.
 *  - `busy`: what is to be deleted is still used.
 *  - `again`: somebody else's commit came between.
 *  - `too-large`: the transaction needs more memory than there is, or more than the socket takes. So may one have been that nft died of.
 *  - `hung`: there was no answer in time; nobody knows whether it came into force.
 *  - `ended`: nft ended without an answer; likewise.
 *  - `invalid`: anything else: the text is wrong, or the kernel has no such feature. */
export type RefusalReason = "missing" | "exists" | "busy" | "again" | "too-large" | "hung" | "ended" | "invalid";

/** By what the C library says of the kernel's error. */
const REASONS: readonly (readonly [RegExp, RefusalReason])[] = [
  [/No such file or directory/, "missing"],
  [/File exists/, "exists"],
  [/Device or resource busy/, "busy"],
  [/Resource temporarily unavailable|Interrupted system call/, "again"],
  [/Cannot allocate memory|No buffer space available|Message too long|Memory allocation failure/, "too-large"],
];

/** The answer of which `text` is all that nft wrote on standard error. */
export function answerOf(text: string): TransactionAnswer {
  // Warnings, and what others' tables have that this nft does not know, change nothing.
  const [first] = text
    .split("\n")
    .filter((line) => /Error: |^netlink: Error|^internal:.*Error|Memory allocation failure/.test(line));
  if (first === undefined) return { kind: "done" };
  return { kind: "refused", reason: reasonInWords(text), message: text.trim() };
}

/** What an error means of which `text` tells in the words of the C library. */
export function reasonInWords(text: string): RefusalReason {
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? "invalid";
}

/** What the number of the kernel's error means. */
export function reasonOfError(errno: number): RefusalReason {
  return BY_NUMBER.get(errno) ?? "invalid";
}

const BY_NUMBER: ReadonlyMap<number, RefusalReason> = new Map([
  [2, "missing"],
  [4, "again"],
  [11, "again"],
  [12, "too-large"],
  [16, "busy"],
  [17, "exists"],
  [85, "again"],
  [90, "too-large"],
  [105, "too-large"],
  [110, "hung"],
]);

/** The first complaint of what may be thousands. */
export function beginningOf(message: string): string {
  return message
    .split("\n")
    .filter((line) => !line.startsWith("In file included"))
    .slice(0, 2)
    .join(" ")
    .slice(0, 300);
}
