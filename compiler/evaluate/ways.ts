/** The hooks that packets pass on a node, in the order in which the kernel enters them. */
import { unreachable } from "../invariant.ts";
import type { Hook } from "../ir/types.ts";
import type { RouteQuery } from "./packet.ts";

/** What comes next for packets. */
export type Way =
  | { readonly kind: "hook"; readonly hook: Hook; readonly next: Way }
  /** The node looks for a route. */
  | { readonly kind: "route"; readonly at: RouteQuery["at"]; readonly next: Way }
  /** Some packets are for the node itself, the others go on to another host. */
  | { readonly kind: "split"; readonly local: Way; readonly others: Way }
  /** Packets come back by the loopback interface. */
  | { readonly kind: "loopback"; readonly next: Way }
  | { readonly kind: "end" };

const END: Way = { kind: "end" };
const DELIVERED: Way = { kind: "hook", hook: "input", next: END };
const FORWARDED: Way = {
  kind: "hook",
  hook: "forward",
  next: { kind: "hook", hook: "postrouting", next: END },
};
const LOOPED: Way = { kind: "loopback", next: { kind: "hook", hook: "prerouting", next: DELIVERED } };

const RECEIVED: Way = {
  kind: "hook",
  hook: "prerouting",
  next: { kind: "route", at: "prerouting", next: { kind: "split", local: DELIVERED, others: FORWARDED } },
};
const SENT: Way = {
  kind: "route",
  at: "sending",
  next: {
    kind: "hook",
    hook: "output",
    next: {
      kind: "route",
      at: "output",
      next: { kind: "hook", hook: "postrouting", next: { kind: "split", local: LOOPED, others: END } },
    },
  },
};

/** The way of packets that come in by an interface, or that the node itself sends: `inInterface` is undefined. */
export function wayOf({ inInterface }: { readonly inInterface: string | undefined }): Way {
  return inInterface === undefined ? SENT : RECEIVED;
}

/** The hooks on a way. */
export function hooksOn(way: Way): Hook[] {
  switch (way.kind) {
    case "hook":
      return [way.hook, ...hooksOn(way.next)];
    case "split":
      return [...hooksOn(way.local), ...hooksOn(way.others)];
    case "route":
    case "loopback":
      return hooksOn(way.next);
    case "end":
      return [];
    default:
      return unreachable(way);
  }
}
