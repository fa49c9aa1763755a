/** Whether two spellings of a chain have the same rules: iptables-save of another version may write numbers and options in another way. */
import { normaliseChain, stringify } from "../../ir/normal-form.ts";
import { readIptables } from "./read.ts";

/** `left`, `right`: lines that begin with `-A`, of one chain of `table`. */
export function areSameRules(
  table: string,
  family: "ip" | "ip6",
  left: readonly string[],
  right: readonly string[],
): boolean {
  if (left.length !== right.length) return false;
  const targets = new Set([...left, ...right].flatMap((line) => / -[jg] (KPC-\S+)/.exec(line)?.[1] ?? []));
  const first = /^-A (\S+)/.exec(left[0] ?? "")?.[1];
  const heads = [...new Set([...(first === undefined ? [] : [first]), ...targets])].map((name) => `:${name} - [0:0]`);
  const meaningOf = (lines: readonly string[]): string | undefined => {
    let isUnderstood = true;
    const text = `*${table}\n${[...heads, ...lines, "COMMIT"].join("\n")}\n`;
    const { ruleset } = readIptables(
      { name: "chain", text },
      () => {
        isUnderstood = false;
      },
      { family },
    );
    if (!isUnderstood) return undefined;
    return stringify(
      ruleset.tables.flatMap(({ chains }) => chains.map((chain) => normaliseChain(chain, family).rules)),
    );
  };
  const meaning = meaningOf(left);
  return meaning !== undefined && meaning === meaningOf(right);
}
