/** Who sends a packet: a pod of this node, or the node itself (README.md, section 4). */

import { unreachable } from "../invariant.ts";
import { addressField, equal, IIFNAME, within } from "../ir/build.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { mergeIntervals } from "../ir/interval.ts";
import type { Interval, Match } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { type Prefix, prefixRange } from "../net/prefix.ts";
import type { Detector } from "../node/settings.ts";

/** Address type LOCAL, whatever the hook: also a packet that comes back from outside with the node's address. */
export function fromNode(): Match {
  return equal({ kind: "fib", of: "saddr", result: "type" }, ADDRESS_TYPE.local);
}

export function fromPod(detector: Detector, family: Family, negated = false): Match {
  switch (detector.kind) {
    case "source":
      return within(addressField(family, "saddr"), rangesOf(detector.prefixes), negated);
    case "interface":
      return { kind: "compare", left: IIFNAME, operator: negated ? "!=" : "==", right: detector.name };
    case "interface-prefix":
      return { kind: "name-prefix", left: IIFNAME, negated, prefix: detector.prefix };
    default:
      return unreachable(detector);
  }
}

export function rangesOf(prefixes: readonly Prefix[]): Interval[] {
  return mergeIntervals(prefixes.map(prefixRange));
}
