/** An answer that its receiver does not know: a host that translated the request did not see the answer. */
import type { Diagnostic } from "../diagnostics.ts";
import { type Family, familyOf, printAddress, printAddressPort } from "../net/address.ts";
import type { Hop, WalkEnd } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import type { LostLeg } from "./lost-leg.ts";
import { netfilterOf, placed, sysctl } from "./settings.ts";

type Stranger = Extract<WalkEnd, { readonly kind: "stranger" }>;

export function strangerFinding(known: KnownNetwork, lost: LostLeg, end: Stranger): Diagnostic | undefined {
  const taken = takenByAnother(known, lost, end);
  if (taken !== undefined) return taken;
  const translating = lost.branch.there.hops.filter(translates);
  const missed = translating.find(({ host }) => !lost.leg.hops.some((hop) => hop.host === host && seesRules(hop)));
  const host = missed && known.host(missed.host);
  if (missed === undefined || host === undefined) return undefined;
  const expected = printAddressPort(end.expected.source, end.expected.sourcePort);
  const got = printAddressPort(end.got.source, end.got.sourcePort);
  const outcome = `${end.host} asked ${expected}, gets an answer from ${got}, and refuses it`;
  const answerer = lost.leg.hops[0]?.host ?? "the receiver";
  const bridge = lost.leg.hops
    .filter((hop) => hop.host === host.name)
    .flatMap(({ steps }) => steps)
    .find((step) => step.kind === "bridged");
  if (bridge?.kind === "bridged") {
    const setting = netfilterOf(host, familyOf(end.got.source));
    const message = `${answerer} answers ${end.host} over the bridge ${bridge.bridge} of ${host.name}, past connection tracking, since ${setting.name} is 0: ${outcome}`;
    return {
      ...{ severity: "error", code: "bridge-netfilter-off", message, host: host.name },
      ...placed(setting.origin, sysctl(host.name, setting.name, 1)),
    };
  }
  const message = `${answerer} answers ${end.host} past ${host.name}, which has translated the request: ${outcome}`;
  return {
    ...{ severity: "error", code: "reply-bypasses-nat", message, host: host.name },
    ...placed(host.provenance.origin, { host: host.name, command: masqueradeTranslated(familyOf(end.got.source)) }),
  };
}

/** The answer came to another host than the one that asked, which has the same address. */
function takenByAnother(known: KnownNetwork, { what, flow }: LostLeg, end: Stranger): Diagnostic | undefined {
  const host = known.host(end.host);
  const address = end.got.destination;
  const own = host?.interfaces.find(({ addresses }) => addresses.some((each) => each.address === address));
  if (host === undefined || own === undefined || end.host === flow.from) return undefined;
  const isProxy = host.role.kind === "load-balancer";
  if (
    isProxy ||
    known.host(flow.from)?.interfaces.every(({ addresses }) => addresses.every((each) => each.address !== address))
  )
    return undefined;
  const text = printAddress(address);
  const message = `${host.name} takes ${what}: it has ${text}, an address of ${flow.from}, at ${own.name}`;
  return {
    ...{ severity: "error", code: "duplicate-address", message, host: host.name },
    ...placed(own.provenance.origin ?? host.provenance.origin, {
      host: host.name,
      command: `ip address del ${text} dev ${own.name}`,
    }),
  };
}

/** Rules of the host have changed the packet's addresses. */
function translates({ steps }: Hop): boolean {
  return steps.some((step) => step.kind === "translated" && step.by === "rules");
}

/** The packet passed the host's hooks: it was routed there, or the bridge gives packets to rules. */
function seesRules({ steps, inInterface, outInterface }: Hop): boolean {
  const isBridged = steps.some((step) => step.kind === "bridged" && !step.throughRules && step.port !== undefined);
  const isRouted = steps.some((step) => step.kind === "routed");
  return isRouted || !isBridged || inInterface === undefined || outInterface === undefined;
}

/** Answers to what the host has translated come back to it. */
function masqueradeTranslated(family: Family): string {
  const program = family === "IPv4" ? "iptables" : "ip6tables";
  return `${program} -t nat -A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE`;
}
