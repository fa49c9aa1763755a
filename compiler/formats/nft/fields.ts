/** Properties of packets by the words that nft has for them. */
import { HEADER_TYPES, META_TYPES } from "../../ir/expression-type.ts";
import type { CtKey, Expression, HeaderField, MetaKey, TableFamily } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";

const CT_KEYS: Readonly<Record<string, CtKey>> = {
  state: "state",
  status: "status",
  mark: "mark",
  direction: "direction",
  protocol: "original-protocol",
  "original protocol": "original-protocol",
  "original saddr": "original-saddr",
  "original daddr": "original-daddr",
  "original ip saddr": "original-saddr",
  "original ip daddr": "original-daddr",
  "original ip6 saddr": "original-saddr",
  "original ip6 daddr": "original-daddr",
  "original proto-src": "original-proto-src",
  "original proto-dst": "original-proto-dst",
  "reply protocol": "original-protocol",
  "reply saddr": "reply-saddr",
  "reply daddr": "reply-daddr",
  "reply ip saddr": "reply-saddr",
  "reply ip daddr": "reply-daddr",
  "reply ip6 saddr": "reply-saddr",
  "reply ip6 daddr": "reply-daddr",
  "reply proto-src": "reply-proto-src",
  "reply proto-dst": "reply-proto-dst",
};

/** The expression for a property of a packet; opaque where the IR has none. `family` is the table's. */
export function toField(words: readonly string[], family: TableFamily): Expression {
  const [first = "", second = "", third = ""] = words;
  const key = first === "meta" ? second : first;
  if (words.length <= 2 && Object.hasOwn(META_TYPES, key) && (first === "meta" || words.length === 1))
    return { kind: "meta", key: key as MetaKey };
  const text = words.join(" ");
  if ((first === "ip" || first === "ip6") && (second === "saddr" || second === "daddr"))
    return { kind: first, field: second };
  if (
    (first === "tcp" || first === "udp" || first === "sctp" || first === "th") &&
    (second === "sport" || second === "dport")
  )
    return { kind: "transport", protocol: first, field: second };
  if (first === "ct") {
    const ctKey = meaningOf(CT_KEYS, words.slice(1).join(" "));
    const other = family === "ip6" ? "ip" : "ip6";
    // The IR has one field for the addresses of both families, typed by the table.
    if (ctKey !== undefined && !(third === other || (family === "inet" && third === "ip6")))
      return { kind: "ct", key: ctKey };
    return { kind: "opaque", text };
  }
  if (first === "fib" && words.length === 3 && third === "type" && (second === "saddr" || second === "daddr"))
    return { kind: "fib", of: second, result: "type" };
  if (Object.hasOwn(HEADER_TYPES, text)) return { kind: "header", field: text as HeaderField };
  if (first === "fib") return { kind: "opaque", text };
  return { kind: "opaque", text: words.length === 1 ? `meta ${text}` : text };
}
