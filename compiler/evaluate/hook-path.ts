/** The hooks that packets pass on a node, in the order in which the kernel enters them. */
import { unreachable } from "../invariant.ts";
import type { Hook } from "../ir/types.ts";
import type { RouteQuery } from "./packet.ts";

/** What comes next for packets. */
export type HookPath =
  | { readonly kind: "hook"; readonly hook: Hook; readonly next: HookPath }
  /** The node looks for a route. */
  | { readonly kind: "route"; readonly at: RouteQuery["at"]; readonly next: HookPath }
  /** Some packets are for the node itself, the others go on to another host. */
  | { readonly kind: "split"; readonly local: HookPath; readonly others: HookPath }
  /** Packets come back by the loopback interface. */
  | { readonly kind: "loopback"; readonly next: HookPath }
  | { readonly kind: "end" };

const END: HookPath = { kind: "end" };
const DELIVERED: HookPath = { kind: "hook", hook: "input", next: END };
const FORWARDED: HookPath = {
  kind: "hook",
  hook: "forward",
  next: { kind: "hook", hook: "postrouting", next: END },
};
const LOOPED: HookPath = { kind: "loopback", next: { kind: "hook", hook: "prerouting", next: DELIVERED } };

const RECEIVED: HookPath = {
  kind: "hook",
  hook: "prerouting",
  next: { kind: "route", at: "prerouting", next: { kind: "split", local: DELIVERED, others: FORWARDED } },
};
const SENT: HookPath = {
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

/** The path of packets that come in by an interface, or that the node itself sends: `inInterface` is undefined. */
export function pathOf({ inInterface }: { readonly inInterface: string | undefined }): HookPath {
  return inInterface === undefined ? SENT : RECEIVED;
}

/** The hooks on a path. */
export function hooksOn(path: HookPath): Hook[] {
  switch (path.kind) {
    case "hook":
      return [path.hook, ...hooksOn(path.next)];
    case "split":
      return [...hooksOn(path.local), ...hooksOn(path.others)];
    case "route":
    case "loopback":
      return hooksOn(path.next);
    case "end":
      return [];
    default:
      return unreachable(path);
  }
}
