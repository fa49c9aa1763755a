/** What is certain about matches that are not understood. */
import { anyBit, CT_STATE_FIELD, equal, IIFNAME, L4PROTO, within } from "../../ir/build.ts";
import { ADDRESS_TYPE, CT_STATE } from "../../ir/constants.ts";
import { NFPROTO } from "../../ir/packet-family.ts";
import type { Expression, Interval, Match } from "../../ir/types.ts";
import type { StatementNode, SyntaxNode } from "./syntax.ts";

type MatchNode = Extract<StatementNode, { kind: "match" }>;

/** Headers that only packets of one protocol have: nft tests the protocol first, or the kernel ends the rule. */
const PROTOCOL_OF: Readonly<Record<string, number>> = {
  ah: 51,
  comp: 108,
  dccp: 33,
  esp: 50,
  icmp: 1,
  icmpv6: 58,
  igmp: 2,
  osf: 6,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
};

const FAMILY_OF: Readonly<Record<string, "ip" | "ip6">> = {
  ip: "ip",
  ip6: "ip6",
  // extension headers
  dst: "ip6",
  exthdr: "ip6",
  frag: "ip6",
  hbh: "ip6",
  mh: "ip6",
  rt: "ip6",
  srh: "ip6",
};

/** `unknown`, what is not understood of `statement`, with the matches that are certain of it: of the lists one applies to a
 *  packet, or none. `isIpv4`: the table is of IPv4. */
export function certainly(unknown: Match, statement: MatchNode, isIpv4: boolean): Match[][] {
  const words = wordsOf(statement.left);
  const [first = ""] = words;
  const text = words.filter((word) => word !== "meta").join(" ");
  if (text === "cgroup")
    // Of sockets; what is forwarded has none.
    return [
      [BY_NONE, unknown],
      [notBy(""), differs(typeOf("daddr"), ADDRESS_TYPE.unicast), unknown],
    ];
  if (first === "socket")
    // Looked up for these only; of ICMP that of the packet that an error is about.
    return [
      [BY_NONE, unknown],
      [notBy(""), within(L4PROTO, [1, 6, 17, 58].map(alone)), unknown],
    ];
  if (first === "fib") return ofRoutes(text, statement, unknown, isIpv4);
  const option = /^(tcp|sctp) (option|chunk) \S+$/.exec(text)?.[1];
  // Of packets of other protocols the kernel knows that they have no such option.
  if (option !== undefined && presence(statement) !== true) {
    const protocol = PROTOCOL_OF[option] ?? 0;
    return presence(statement) === false
      ? [[differs(L4PROTO, protocol)], [equal(L4PROTO, protocol), unknown]]
      : [[unknown]];
  }
  return [[...necessaryFor(words, text), unknown]];
}

/** Matches without which a match of the field that `words` are does not hold, whatever it is in other respects. */
function necessaryFor([first = "", second = ""]: readonly string[], text: string): Match[] {
  if (/^(iifgroup|iifkind)$/.test(text)) return [notBy("")]; // the kernel ends the rule of the node's own packets, not for iiftype
  if (first === "vlan") return [notBy(""), notBy("lo")]; // only of Ethernet's interfaces
  if (text === "ct helper")
    // A connection that a helper expects is related from its first packet on.
    return [anyBit(CT_STATE_FIELD, CT_STATE.established | CT_STATE.related)];
  if (first === "rt" && /^(classid|mtu|ipsec|nexthop)$/.test(second)) return [];
  if (first === "rt" && (second === "ip" || second === "ip6")) return [ofFamily(second)];
  const protocol = Object.hasOwn(PROTOCOL_OF, first) ? PROTOCOL_OF[first] : undefined;
  if (protocol !== undefined) return [equal(L4PROTO, protocol)];
  const family = Object.hasOwn(FAMILY_OF, first) ? FAMILY_OF[first] : undefined;
  return family === undefined ? [] : [ofFamily(family)];
}

/** On another interface than its own, an address that is local, or a broadcast, is unicast to IPv4 (inet_dev_addr_type). What
 *  comes by loopback has a way back (nft_fib_is_loopback). */
function ofRoutes(text: string, statement: MatchNode, unknown: Match, isIpv4: boolean): Match[][] {
  const { operator, right } = statement;
  const of = /^fib ([sd]addr) \. [io]if type$/.exec(text)?.[1];
  const word = right.kind === "value" ? right.text : "";
  const isNegated = operator === "!=";
  if (of !== undefined && (operator === "" || operator === "==" || isNegated)) {
    const field = typeOf(of === "saddr" ? "saddr" : "daddr");
    const { local, unicast, multicast } = ADDRESS_TYPE;
    if (word === "local") return [...(isNegated ? [[differs(field, local)]] : []), [equal(field, local), unknown]];
    const onIt: Match = { kind: "opaque", text: `${text} local`, negated: false };
    const address: Expression = { kind: "ip", field: of === "saddr" ? "saddr" : "daddr" };
    const isOther = within(field, [unicast, local, multicast].map(alone), true);
    if (word === "unicast" && isIpv4)
      return [
        [equal(field, isNegated ? multicast : unicast)],
        [equal(field, local), isNegated ? onIt : { ...onIt, negated: true, spelled: `${text} != local` }],
        ...(isNegated ? [[isOther, equal(address, LIMITED_BROADCAST)]] : []),
        [isOther, differs(address, LIMITED_BROADCAST), unknown],
      ];
  }
  if (!/^fib saddr( \. mark)? \. iif oif$/.test(text)) return [[unknown]];
  const isThere = presence(statement);
  if (isThere === undefined) return [[unknown]];
  return [...(isThere ? [[equal(IIFNAME, "lo")]] : []), [notBy("lo"), unknown]];
}

/** Whether `statement` asks that something be there, or be missing; undefined: it asks something else. */
function presence({ operator, right }: MatchNode): boolean | undefined {
  const word = right.kind === "value" ? right.text : "";
  if (word !== "exists" && word !== "missing") return undefined;
  if (operator !== "" && operator !== "==" && operator !== "!=") return undefined;
  return (word === "exists") === (operator !== "!=");
}

function wordsOf(left: SyntaxNode): readonly string[] {
  if (left.kind === "field") return left.words;
  if (left.kind === "binary") return wordsOf(left.left);
  return left.kind === "text" ? left.text.split(" ") : [];
}

const LIMITED_BROADCAST = 0xffffffff;

const BY_NONE = equal(IIFNAME, "");

function differs(left: Expression, right: number): Match {
  return { kind: "compare", left, operator: "!=", right };
}

function typeOf(of: "saddr" | "daddr"): Expression {
  return { kind: "fib", of, result: "type" };
}

function alone(value: number): Interval {
  return { from: value, to: value };
}

function notBy(name: string): Match {
  return { kind: "compare", left: IIFNAME, operator: "!=", right: name };
}

function ofFamily(family: "ip" | "ip6"): Match {
  return equal({ kind: "meta", key: "nfproto" }, NFPROTO[family]);
}
