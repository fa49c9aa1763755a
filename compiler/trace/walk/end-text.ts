/** How a leg of a walk ends, in words. */
import { unreachable } from "../../invariant.ts";
import { type Address, printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import type { ProxyAnswer } from "../../network/network.ts";
import type { PolicyRule, TableRoute } from "../../network/types.ts";
import type { LostAtHook, NoticeLeg, WalkEnd } from "../../walk/types.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** Behind `=> `. `notice`: what the network says of it to the sender, where that was followed. */
export function endText(end: WalkEnd, context: TellingContext, notice?: NoticeLeg): string {
  if (end.kind === "rejected" && notice !== undefined) return `rejected in ${end.hook}${noticeText(notice)}`;
  return `${endWords(end, context)}${notice === undefined ? "" : noticeText(notice)}`;
}

/** How a message to the sender of a lost packet ends. */
export function noticeEndText({ says, end }: NoticeLeg, context: TellingContext): string {
  if (end.kind === "delivered") return `the sender gets ${says}`;
  if (end.kind === "dropped" || end.kind === "rejected") return `${end.kind} in ${end.hook}`;
  if (end.kind !== "stranger") return endWords(end, context);
  return `lost: ${end.host} has sent ${tupleText(end.expected, context)}, and hears of ${tupleText(end.got, context)}`;
}

function noticeText({ says, end }: NoticeLeg): string {
  return end.kind === "delivered" ? `: the sender gets ${says}` : `: ${says} is sent, and does not reach the sender`;
}

interface EndParts {
  /** A word in front of them, where the rest is why: `lost`. */
  readonly word?: string;
  /** The end in a few words. */
  readonly short: string;
  /** What is told behind them. */
  readonly more: string;
}

function lost(short: string, more = ""): EndParts {
  return { word: "lost", short, more };
}

/** How a leg ends in a few words, without what explains it: for pictures. */
export function shortEndText(end: WalkEnd, context: TellingContext): string {
  return partsOf(end, context).short;
}

function endWords(end: WalkEnd, context: TellingContext): string {
  const { word, short, more } = partsOf(end, context);
  return `${word === undefined ? "" : `${word}: `}${short}${more}`;
}

function partsOf(end: WalkEnd, context: TellingContext): EndParts {
  const { names, protocol, hosts } = context;
  switch (end.kind) {
    case "delivered": {
      const { destinationPort, source, sourcePort } = end.tuple;
      const listener = hosts
        .get(end.host)
        ?.listeners?.find((each) => each.port === destinationPort && each.protocol === protocol);
      const by = listener === undefined ? "" : ` (container ${listener.by})`;
      const port = destinationPort === 0 ? "" : ` to port ${destinationPort}${by}`;
      const sees = `sees ${names.printNamed(source, sourcePort, protocol)}`;
      if (end.answer !== undefined)
        return { short: "delivered", more: `${port}, ${sees}, and answers itself: ${answerText(end.answer)}` };
      const client = end.forwardedFor === undefined ? "" : `, ${forwardedForText(end.forwardedFor, context)}`;
      return { short: "delivered", more: `${port}, ${sees}${client}` };
    }
    case "dropped":
      return { short: `dropped in ${end.hook}`, more: ": the sender gets no answer" };
    case "rejected":
      return { short: `rejected in ${end.hook}`, more: `: the sender gets ${end.with}` };
    case "no-route":
      return lost(
        `${end.refused === undefined ? "no route" : refusalText(end.refused)} to ${printAddress(end.destination)}`,
      );
    case "not-forwarding":
      return lost(`the host does not forward what comes in by ${end.interface}`);
    case "reverse-path":
      return lost(
        `reverse path filter, the route back to ${printAddress(end.tuple.source)} is not by ${end.interface}`,
      );
    case "martian-source":
      return lost(`martian source ${printAddress(end.tuple.source)} at ${end.interface}`);
    case "martian-destination":
      return lost(`martian destination ${printAddress(end.tuple.destination)}`);
    case "not-own-source":
      return { short: "not sent", more: `: ${printAddress(end.tuple.source)} is no address of the host` };
    case "broadcast":
      return lost(
        `${printAddress(end.tuple.destination)} is a broadcast or multicast address, which kpc does not follow`,
      );
    case "no-neighbour":
      return lost(`nobody answers for ${printAddress(end.address)} at ${end.interface}${discoveryText(end.discovery)}`);
    case "bridge-drops":
      return lost(`bridge ${end.bridge} does not pass it on`, ` (${BRIDGE_WORDS[end.why]}: port ${end.port})`);
    case "no-link":
      return lost(`${end.interface} is down, or leads nowhere`);
    case "no-source":
      return { short: "dropped", more: `: the host has no address to masquerade with at ${end.interface}` };
    case "no-tunnel-end":
      return lost(`the tunnel ${end.interface} has no other end for ${printAddress(end.address)}`);
    case "too-large":
      return lost(
        `${end.bytes} bytes do not fit through ${end.interface}`,
        ` (MTU ${end.mtu}${end.route === undefined ? "" : ` of route ${printPrefix(end.route.prefix)}`})`,
      );
    case "undecided":
      return {
        short: "not known",
        more:
          end.by === undefined
            ? `: in ${end.hook} it depends on too many matches that kpc does not understand`
            : `: kpc does not understand ${JSON.stringify(end.by)} in ${end.hook}`,
      };
    case "no-target":
      return {
        short: "refused",
        more: end.isServed
          ? ": the load balancer has no healthy node"
          : `: the load balancer does not serve port ${end.tuple.destinationPort}`,
      };
    case "loop":
      return lost(`it goes round in a circle, and comes to ${end.interface} again`);
    case "stranger":
      return lost(
        `${end.host} expects an answer from ${names.print(end.expected.source, end.expected.sourcePort)}, and gets ${tupleText(end.got, context)}`,
      );
    default:
      return unreachable(end);
  }
}

/** What a receiver of HTTP is told of the client. */
export function forwardedForText(address: Address, { names, protocol }: TellingContext): string {
  return `X-Forwarded-For: ${names.printNamed(address, 0, protocol)}`;
}

function answerText({ status, reason }: ProxyAnswer): string {
  return status === undefined ? reason : `${status}, ${reason}`;
}

function discoveryText(lost: LostAtHook | undefined): string {
  return lost === undefined ? "" : `, as rules of ${lost.host} drop neighbour discovery in ${lost.hook}`;
}

const BRIDGE_WORDS: Readonly<Record<Extract<WalkEnd, { readonly kind: "bridge-drops" }>["why"], string>> = {
  "hairpin-off": "hairpin is off",
  isolated: "both ports are isolated",
  blocked: "not forwarding",
};

function refusalText({ kind, by }: { readonly kind: string; readonly by: TableRoute | PolicyRule }): string {
  return "prefix" in by ? `${kind} route ${printPrefix(by.prefix)}` : `${kind} by policy rule ${by.priority}`;
}
