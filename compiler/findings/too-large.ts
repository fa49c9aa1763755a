/** A packet that did not fit through an interface on its way. */
import type { Diagnostic, Fix, Origin } from "../diagnostics.ts";
import { printPrefix } from "../net/prefix.ts";
import type { Host } from "../network/network.ts";
import type { Leg, TooLarge, WalkEnd, WalkStep } from "../walk/types.ts";
import type { LostLeg } from "./lost-leg.ts";
import { acceptTooBig, ruleName, ruleOrigin } from "./rule-fixes.ts";
import { placed } from "./settings.ts";

/** Undefined: its sender was told at once. */
export function tooLarge(
  { branch: { notice }, leg, what, bytes }: LostLeg,
  host: Host,
  { interface: name, bytes: outer, mtu, route }: TooLarge,
): Diagnostic | undefined {
  const sender = leg.hops[0];
  const last = leg.hops.at(-1);
  if (sender === undefined || last === undefined || sender.host === host.name) return undefined;
  const room = bytes === undefined ? mtu : mtu - (outer - bytes);
  const isWrapped = outer !== bytes && bytes !== undefined;
  const size = isWrapped ? `${bytes} bytes, ${outer} with the outer headers of the tunnel,` : `${outer} bytes`;
  const isRouted = last.steps.some((step) => step.kind === "routed");
  const unheard = notice === undefined || notice.end.kind === "delivered" ? undefined : notice.end;
  const outcome = !isRouted
    ? "the bridge drops it, and its sender is not told"
    : unheard === undefined
      ? "it is lost, and its sender has to be told by ICMP to send less"
      : `it is lost, and its sender is not told: ${lossOf(unheard)}`;
  const limit =
    route === undefined ? `its MTU of ${mtu}` : `the MTU of ${mtu} of the route to ${printPrefix(route.prefix)}`;
  const message = `${what} does not fit through ${name} of ${host.name}: ${size} are more than ${limit}; ${outcome}`;
  if (unheard !== undefined) {
    const by = unheard.kind === "dropped" ? unheard.by : undefined;
    const fix = by === undefined ? smallerMtu(leg, room) : { host: unheard.host, command: acceptTooBig(by) };
    return {
      ...{ severity: "error", code: "mtu-black-hole", message, host: unheard.host },
      ...placed((by && ruleOrigin(by)) ?? route?.provenance?.origin ?? mtuOrigin(host, name), fix),
    };
  }
  return {
    ...{ severity: isRouted ? "warning" : "error", code: isRouted ? "mtu-mismatch" : "mtu-black-hole" },
    ...{ message, host: host.name },
    ...placed(route?.provenance?.origin ?? mtuOrigin(host, name), smallerMtu(leg, room)),
  };
}

/** Where and how ICMP's word gets lost. */
function lossOf(end: WalkEnd): string {
  if (end.kind !== "dropped") return `the ICMP error is lost on ${end.host} (${end.kind})`;
  const rule = end.by === undefined ? `${end.host} drops it` : `${ruleName(end.by)} of ${end.host} drops it`;
  return `the ICMP error is lost, as ${rule} in ${end.hook}`;
}

type Fragmented = Extract<WalkStep, { readonly kind: "fragmented" }>;

/** A packet of VXLAN that went out in fragments, as all of that length do: Linux does not tell the sender of the one inside. */
export function fragmented(
  { leg, what, bytes }: Pick<LostLeg, "leg" | "what" | "bytes">,
  host: Host,
  { interface: name, bytes: outer, mtu }: Fragmented,
): Diagnostic | undefined {
  if (bytes === undefined) return undefined;
  const message =
    `${what} goes through ${name} of ${host.name} in fragments: ${bytes} bytes, ${outer} with the outer headers of the tunnel, ` +
    `are more than its MTU of ${mtu}; it arrives, but slower, and is lost if one of the fragments is`;
  return {
    ...{ severity: "warning", code: "mtu-mismatch", message, host: host.name },
    ...placed(mtuOrigin(host, name), smallerMtu(leg, mtu - (outer - bytes))),
  };
}

function mtuOrigin(host: Host, name: string): Origin | undefined {
  const said = host.settings["pods.mtu"]?.origin ?? host.settings["underlay.mtu"]?.origin;
  const own = host.interfaces.find((each) => each.name === name);
  return said ?? own?.provenance.origin ?? host.provenance.origin;
}

/** At the sender. */
function smallerMtu({ hops: [sender] }: Leg, mtu: number): Fix | undefined {
  return sender && { host: sender.host, command: `ip link set ${sender.outInterface ?? "eth0"} mtu ${mtu}` };
}
