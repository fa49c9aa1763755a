/** How a packet is refused, in nft's words. */
import type { Rule, Statement, TableFamily } from "../../ir/types.ts";
import { REJECT_TYPES } from "./keywords.ts";

/** A test of the family stands for the words `icmp` and `icmpv6` of the source. */
export function rejectFamily({ steps }: Rule, index: number, family: TableFamily): TableFamily {
  const isTested = (value: number): boolean =>
    steps
      .slice(0, index)
      .some(
        (step) =>
          step.kind === "compare" &&
          step.left.kind === "meta" &&
          step.left.key === "nfproto" &&
          step.operator === "==" &&
          step.right === value,
      );
  return isTested(NFPROTO.ipv4) ? "ip" : isTested(NFPROTO.ipv6) ? "ip6" : family;
}

const NFPROTO = { ipv4: 2, ipv6: 10 } as const;

/** `family`: of the table, or of the packets where a rule has told. */
export function printReject(how: Extract<Statement, { kind: "reject" }>["with"], family: TableFamily): string {
  if (how === "port-unreachable") return "reject";
  if (how === "tcp-reset") return "reject with tcp reset";
  if (family === "ip") return `reject with icmp ${REJECT_TYPES.icmp[how] ?? how}`;
  if (family === "ip6") return `reject with icmpv6 ${REJECT_TYPES.icmpv6[how] ?? how}`;
  const { icmpx, icmp, icmpv6 } = REJECT_TYPES;
  if (icmpx[how] !== undefined) return `reject with icmpx ${icmpx[how]}`;
  return icmp[how] === undefined ? `reject with icmpv6 ${icmpv6[how] ?? how}` : `reject with icmp ${icmp[how]}`;
}
