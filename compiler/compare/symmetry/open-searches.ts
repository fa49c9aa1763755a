/** Searches for keys of which two parts may be unknown: such a key may be any of the elements that fit, for each search another one. */
import { MOST_NUMBERS } from "../../ir/constants.ts";
import type { Expression, TableFamily } from "../../ir/types.ts";
import { partsOf } from "../../ir/walk.ts";
import type { Token } from "./tokens.ts";

/** As `isUnknown` and `Taken.hides` of evaluate/ say, for some packet at some place. `given`: only where a rule translates to one
 *  of many addresses or ports. */
function mayBeUnknown(expression: Expression): boolean | "given" {
  switch (expression.kind) {
    case "ip":
    case "ip6":
      return expression.field === "saddr" || "given";
    case "transport":
      return expression.field === "sport" || expression.protocol === "th" || "given";
    case "fib":
      return expression.of === "saddr" || "given";
    case "meta":
      return !["l4proto", "nfproto", "iif", "iifname"].includes(expression.key);
    case "ct":
      return expression.key !== "state" && expression.key !== "direction";
    case "header":
      return expression.field !== "ip protocol" && expression.field !== "ip6 nexthdr";
    case "numgen":
      return expression.modulus > MOST_NUMBERS;
    case "constant":
      return false;
    case "opaque":
      return true;
    default: {
      // What others are is known where their parts are.
      const parts = partsOf(expression).map(mayBeUnknown);
      return parts.includes(true) || (parts.includes("given") && "given");
    }
  }
}

type Family = "ip" | "ip6";

/** Those of one family of packets. */
interface Searches {
  readonly always: Set<Token>;
  readonly ifGiven: Set<Token>;
}

export class OpenSearches {
  private readonly searches: Readonly<Record<Family, Searches>> = {
    ip: { always: new Set(), ifGiven: new Set() },
    ip6: { always: new Set(), ifGiven: new Set() },
  };

  /** `tokenOf`: equal for searches by one key among the same elements of one table. */
  note(key: readonly Expression[], family: TableFamily, tokenOf: () => Token): void {
    const parts = key.map(mayBeUnknown).filter((part) => part !== false);
    if (parts.length < 2) return;
    const of = parts.filter((part) => part === true).length > 1 ? "always" : "ifGiven";
    const token = tokenOf();
    if (family !== "ip6") this.searches.ip[of].add(token);
    if (family !== "ip") this.searches.ip6[of].add(token);
  }

  /** How many a packet can meet. `isGiven`: some rule translates to one of many addresses or ports. */
  count(isGiven: boolean): number {
    const { ip, ip6 } = this.searches;
    return Math.max(...[ip, ip6].map(({ always, ifGiven }) => always.size + (isGiven ? ifGiven.size : 0)));
  }
}
