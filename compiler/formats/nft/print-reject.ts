/** How a packet is refused, in nft's words. */
import type { Statement, TableFamily } from "../../ir/types.ts";
import { REJECT_TYPES } from "./keywords.ts";

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
