/** A walk as people read it: a host once, and a line for each thing that happened there. */
import type { Tuple } from "../../evaluate/connection.ts";
import type { RuleStep } from "../../evaluate/packet.ts";
import { printRule } from "../../formats/nft/print.ts";
import { unreachable } from "../../invariant.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { type Address, printAddress, printAddressPort } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import type { Hop, Leg, Walk, WalkBranch, WalkEnd, WalkStep } from "../../walk/types.ts";

export function renderWalk(walk: Walk): string {
  const { flow, branches } = walk;
  const protocol = PROTOCOL_NAMES.get(flow.protocol) ?? String(flow.protocol);
  const head = `${protocol} ${flow.from} > ${printAddressPort(flow.destination, flow.destinationPort)}`;
  return `${[head, ...branches.flatMap((branch) => ["", ...renderBranch(branch)])].join("\n")}\n`;
}

function renderBranch({ probability, there, back }: WalkBranch): string[] {
  const chance = probability > 1 - 1e-9 ? [] : [`with probability ${Number(probability.toFixed(4))}:`];
  const reply = back === undefined ? [] : ["", "reply", ...renderLeg(back)];
  return [...chance, ...renderLeg(there), ...reply];
}

function renderLeg({ hops, end }: Leg): string[] {
  return [...hops.flatMap(renderHop), `  => ${endText(end)}`];
}

function renderHop(hop: Hop): string[] {
  const lines = hop.steps.flatMap(stepText);
  const way = [hop.inInterface, hop.outInterface].filter((name) => name !== undefined).join(" > ");
  return [`${hop.host.padEnd(20)} ${way.padEnd(24)} ${tupleText(hop.before)}`, ...lines.map((line) => `    ${line}`)];
}

function stepText(step: WalkStep): string[] {
  switch (step.kind) {
    case "rules":
      return step.path.flatMap((each) =>
        each.kind === "rule" && isTold(each)
          ? [`${step.hook}: ${each.chain}: ${printRule(each.rule, each.family)}`]
          : [],
      );
    case "translated":
      return [`${step.by === "rules" ? "translated" : "translated by connection tracking"}: ${tupleText(step.to)}`];
    case "routed": {
      const { gateway, interface: out } = step.hop;
      const to =
        step.route.kind === "local"
          ? "local"
          : `dev ${out}${gateway === undefined ? "" : ` via ${printAddress(gateway)}`}`;
      return [`route ${printPrefix(step.route.prefix)} ${to}`];
    }
    case "bridged":
      return [`bridge ${step.bridge}: ${step.port === undefined ? "up" : `out by ${step.port}`}`];
    case "neighbour":
      return [`who is ${printAddress(step.asks)}: ${step.answeredBy.host}`];
    case "source":
      return [`source ${printAddress(step.address)}`];
    case "encapsulated":
    case "decapsulated":
      return [`${step.kind}: ${tupleText(step.outer)}`];
    case "proxied":
      return [`the proxy connects to ${step.target}`];
    default:
      return unreachable(step);
  }
}

function isTold({ effect }: RuleStep): boolean {
  return effect.kind === "destination" || effect.kind === "source" || effect.kind === "reject";
}

function tupleText({ source, sourcePort, destination, destinationPort }: Tuple): string {
  return `${printAddressPort(source, sourcePort)} > ${printAddressPort(destination, destinationPort)}`;
}

function endText(end: WalkEnd): string {
  const at = (address: Address): string => printAddress(address);
  switch (end.kind) {
    case "delivered":
      return `delivered to ${end.host}, which sees ${printAddressPort(end.tuple.source, end.tuple.sourcePort)}`;
    case "dropped":
      return `dropped on ${end.host} in ${end.hook}`;
    case "rejected":
      return `rejected on ${end.host} in ${end.hook}`;
    case "no-route":
      return `${end.host} has no route to ${at(end.destination)}`;
    case "not-forwarding":
    case "reverse-path":
    case "martian-source":
    case "martian-destination":
    case "not-own-source":
    case "broadcast":
      return `lost on ${end.host}: ${end.kind}`;
    case "no-neighbour":
      return `nobody answers for ${at(end.address)} at ${end.interface} of ${end.host}`;
    case "bridge-drops":
      return `lost on ${end.host}: bridge ${end.bridge}, ${end.why}`;
    case "no-link":
      return `lost on ${end.host}: ${end.interface} leads nowhere`;
    case "no-source":
      return `lost on ${end.host}: no address to masquerade with at ${end.interface}`;
    case "no-tunnel-end":
      return `lost on ${end.host}: the tunnel ${end.interface} has no other end for ${at(end.address)}`;
    case "no-target":
      return `${end.host} has no node to send connections to`;
    case "loop":
      return `lost on ${end.host}: the packet goes round in a circle`;
    case "stranger":
      return `${end.host} does not know this answer: it comes from ${tupleText(end.got)}, expected ${tupleText(end.expected)}`;
    default:
      return unreachable(end);
  }
}
