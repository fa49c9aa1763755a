/** A packet that did not fit through an interface on its way. */
import type { Diagnostic } from "../diagnostics.ts";
import type { Host } from "../network/network.ts";
import type { WalkEnd } from "../walk/types.ts";
import type { LostLeg } from "./lost-leg.ts";
import { placed } from "./settings.ts";

type TooLarge = Extract<WalkEnd, { readonly kind: "too-large" }>;

/** Undefined: its sender was told at once. */
export function tooLarge(
  { leg, what, bytes }: LostLeg,
  host: Host,
  { interface: name, bytes: outer, mtu }: TooLarge,
): Diagnostic | undefined {
  const sender = leg.hops[0];
  const last = leg.hops.at(-1);
  if (sender === undefined || last === undefined || sender.host === host.name) return undefined;
  const room = bytes === undefined ? mtu : mtu - (outer - bytes);
  const isWrapped = outer !== bytes && bytes !== undefined;
  const size = isWrapped ? `${bytes} bytes, ${outer} with the outer headers of the tunnel,` : `${outer} bytes`;
  const isRouted = last.steps.some((step) => step.kind === "routed");
  const outcome = isRouted
    ? "it is lost, and its sender has to be told by ICMP to send less"
    : "the bridge drops it, and its sender is not told";
  const message = `${what} does not fit through ${name} of ${host.name}: ${size} are more than its MTU of ${mtu}; ${outcome}`;
  const own = host.interfaces.find((each) => each.name === name);
  const origin =
    host.settings["pods.mtu"]?.origin ??
    host.settings["underlay.mtu"]?.origin ??
    own?.provenance.origin ??
    host.provenance.origin;
  const out = sender.outInterface ?? "eth0";
  const command = `ip link set ${out} mtu ${room}`;
  return {
    ...{ severity: isRouted ? "warning" : "error", code: isRouted ? "mtu-mismatch" : "mtu-black-hole" },
    ...{ message, host: host.name },
    ...placed(origin, { host: sender.host, command }),
  };
}
