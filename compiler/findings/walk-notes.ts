/** What is worth knowing about a walk on which nothing goes wrong. */
import type { Diagnostic } from "../diagnostics.ts";
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import { familyOf, printAddress } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import type { Walk, WalkBranch, WalkStep } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";
import { patchPolicy } from "./local-policy.ts";
import { placed } from "./settings.ts";
import { type SourceTranslation, sourceTranslation } from "./translations.ts";
import { onlyOnce } from "./walk-findings.ts";

/** Notes about branches that are delivered, each once, and what the walk takes for given, as info. */
export function findWalkNotes(known: KnownNetwork, walk: Walk): readonly Diagnostic[] {
  const delivered = walk.branches.filter(
    ({ there, condition }) => there.end.kind === "delivered" && condition === ALWAYS,
  );
  const found = [
    ...delivered.flatMap((branch) => {
      const translations = branch.there.hops.flatMap((hop) => sourceTranslation(known, hop) ?? []);
      return [
        ...clientAddressLost(known, walk, branch),
        ...natTwice(known, branch, translations),
        ...translations.flatMap((each) => surprisingSource(known, each)),
        ...portNotDeclared(known, walk, branch),
      ];
    }),
    ...inferredFacts(walk),
  ];
  return onlyOnce(found);
}

function clientAddressLost(
  known: KnownNetwork,
  { flow }: Walk,
  { there: { hops: all, end } }: WalkBranch,
): Diagnostic[] {
  const client = all[0]?.before.source;
  if (end.kind !== "delivered" || known.host(flow.from)?.role.kind !== "outside" || client === undefined) return [];
  // The ingress proxy passes the client's address on as it sees it: what it sends by itself comes from its own.
  const told = end.forwardedFor;
  const seenAddress = told ?? end.tuple.source;
  if (known.host(end.host)?.role.kind !== "pod" || seenAddress === client) return [];
  const handedOn = told === undefined ? -1 : all.findIndex(({ steps }) => steps.some(isClientTold));
  const hops = handedOn < 0 ? all : all.slice(0, handedOn);
  const translations = hops.flatMap((hop) => sourceTranslation(known, hop) ?? []);
  const sees = told === undefined ? "sees" : "is told by X-Forwarded-For that the client is";
  const seen = `${end.host} ${sees} ${known.named(seenAddress)}, not ${printAddress(client)} (${flow.from})`;
  const [first] = translations.filter(({ host }) => host.role.kind === "node");
  const proxy = hops.find(({ steps }) => steps.some(({ kind }) => kind === "proxied"));
  const balancer = known.host(proxy?.host ?? "") ?? translations.find(({ host }) => host.role.kind !== "node")?.host;
  if (balancer !== undefined) {
    const message = `${seen}: ${balancer.name} ${proxy === undefined ? "gives connections an address of its own" : "makes connections of its own"}`;
    return [note("client-address-lost", balancer.name, message, placed(balancer.provenance.origin))];
  }
  const entry = hops.find(({ host }) => host === first?.host.name)?.before;
  const served = entry && known.servedPort(entry.destination, entry.destinationPort, flow.protocol);
  if (first === undefined || served === undefined) return [];
  const message = `${seen}: externalTrafficPolicy of ${served.service} is ${served.policy}, and ${first.host.name} masquerades`;
  const fix = { command: patchPolicy(served.service, "Local") };
  return [note("client-address-lost", first.host.name, message, placed(served.origin, fix))];
}

/** A proxy tells the client that it sees, by X-Forwarded-For or the PROXY protocol: the next one only hands that on. */
function isClientTold(step: WalkStep): boolean {
  return step.kind === "proxied" && (step.forwardedFor !== undefined || step.tellsClient === true);
}

/** A plugin masquerades what goes from pods to others of the cluster. */
function natTwice(
  known: KnownNetwork,
  { there: { end, hops } }: WalkBranch,
  translations: readonly SourceTranslation[],
): Diagnostic[] {
  const twice = translations.find(({ isOwnPod }) => isOwnPod);
  const receiver = known.host(end.host);
  const destination = hops.at(-1)?.after.destination;
  const isInside = receiver?.role.kind === "pod" || receiver?.role.kind === "node";
  if (twice === undefined || receiver === undefined || !isInside || destination === undefined) return [];
  const { host, from, to } = twice;
  const message =
    `${receiver.name} sees ${known.named(to)}, not ${known.named(from)}: rules of ${host.name} besides those of Services masquerade what` +
    " its pods send there; rules that ask for pods' addresses take it for something else";
  const cidr = known.podCidrs.find(({ address }) => familyOf(address) === familyOf(from));
  const program = familyOf(from) === "IPv4" ? "iptables" : "ip6tables";
  const source = cidr === undefined ? printAddress(from) : printPrefix(cidr);
  const command = `${program} -t nat -I POSTROUTING -s ${source} -d ${printAddress(destination)} -j RETURN`;
  const origin = twice.by?.kind === "rule" ? twice.by.rule.origin : undefined;
  return [
    note("nat-twice", host.name, message, placed(origin ?? host.provenance.origin, { host: host.name, command })),
  ];
}

/** Masquerading took the address of another interface. */
function surprisingSource(known: KnownNetwork, { host, to, outInterface }: SourceTranslation): Diagnostic[] {
  const out = host.interfaces.find(({ name }) => name === outInterface);
  const family = familyOf(to);
  const has = out?.addresses.some(({ address, scope }) => scope === "global" && familyOf(address) === family);
  const owner = host.interfaces.find(({ addresses }) => addresses.some(({ address }) => address === to));
  if (out === undefined || has === true || owner === undefined || owner === out) return [];
  // A port of a bridge never has addresses: the bridge does.
  if (out.port?.bridge === owner.name || known.host(host.name) === undefined) return [];
  const message = `${host.name} masquerades by ${printAddress(to)} of ${owner.name} what leaves by ${out.name}, which has no ${family} address`;
  const command = `ip address add ${printAddress(to)} dev ${out.name}`;
  const place = placed(out.provenance.origin ?? host.provenance.origin, { host: host.name, command });
  return [note("masquerade-source-surprising", host.name, message, place)];
}

/** The pod declares ports, and this one is not among them. */
function portNotDeclared(known: KnownNetwork, { flow }: Walk, { there: { end } }: WalkBranch): Diagnostic[] {
  if (end.kind !== "delivered") return [];
  const host = known.host(end.host);
  const port = end.tuple.destinationPort;
  const declared = host?.listeners ?? [];
  if (host?.role.kind !== "pod" || declared.length === 0 || port === 0) return [];
  if (declared.some((each) => each.port === port && each.protocol === flow.protocol)) return [];
  const ports = declared.map((each) => `${each.port} (${each.by})`).join(", ");
  const message = `no container of ${host.name} declares port ${port}: it declares ${ports}; the pod may listen there all the same`;
  return [note("port-not-declared", host.name, message, placed(host.provenance.origin))];
}

function inferredFacts({ branches }: Walk): Diagnostic[] {
  const routes = branches
    .flatMap(({ there, back }) => [...there.hops, ...(back?.hops ?? [])])
    .flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "routed" ? [step.route.provenance?.inferred] : [])));
  const facts = [...new Set(routes.flatMap((each) => each ?? []))];
  if (facts.length === 0) return [];
  const message = `no input says, and the walk takes for given: ${facts.join("; ")}`;
  return [{ severity: "info", code: "inferred", message }];
}

function note(
  code: "client-address-lost" | "nat-twice" | "masquerade-source-surprising" | "port-not-declared",
  host: string,
  message: string,
  place: Pick<Diagnostic, "origin" | "fix">,
): Diagnostic {
  return { severity: "note", code, message, host, ...place };
}
