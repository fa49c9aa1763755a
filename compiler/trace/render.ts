/** The way of a packet, as people and programs read it. */
import { printPlace } from "../diagnostics.ts";
import type { EndpointOutcome, Outcome, Packet, Reason, Result } from "../evaluate/packet.ts";
import { printElement, printRule } from "../formats/nft/print.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { printAddress, printAddressPort } from "../net/address.ts";
import type { ResolvedPacket } from "./resolve.ts";

/** What happened, hook by hook, with the rules that decided and where they come from. */
export function renderTrace({ packet, assumed }: ResolvedPacket, outcomes: readonly Outcome[], where: string): string {
  const assumption = assumed === undefined ? "" : `, assumed for one ${assumed}`;
  const entry =
    packet.inInterface === undefined ? "sent by the node itself" : `in by ${packet.inInterface}${assumption}`;
  const lines = [`${printPacket(packet)}   ${entry} (${where})`, ""];
  for (const outcome of outcomes) {
    for (const { text, holds } of outcome.assumptions)
      lines.push(`assuming that this ${holds ? "holds" : "does not hold"}: ${text}`);
    lines.push(...renderResults(outcome), "");
    lines.push(`=> ${describeEnd(outcome)}`);
  }
  return `${lines.join("\n")}\n`;
}

function printPacket({ protocol, source, sourcePort, destination, destinationPort }: Packet): string {
  const name = PROTOCOL_NAMES.get(protocol) ?? String(protocol);
  return `${name} ${printAddressPort(source, sourcePort)} > ${printAddressPort(destination, destinationPort)}`;
}

/** Results that go the same way but for the endpoint are shown once: a choice among many says so. */
function renderResults({ results }: Outcome): string[] {
  const lines: string[] = [];
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = relevant(result)
      .map(
        ({ rule, hook, translated }) =>
          `${hook} ${translated === undefined ? "" : "*"} ${rule.steps.length} ${rule.comment} ${rule.steps.at(-1)?.kind}`,
      )
      .join("\n");
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    if (groups.size > 1)
      lines.push(
        `${lines.length === 0 ? "" : "\n"}${percent(group.reduce((sum, { probability }) => sum + probability, 0))} of the time:`,
      );
    let hook = "";
    for (const reason of relevant(first)) {
      lines.push(...renderReason(reason, reason.hook === hook ? "" : reason.hook, group));
      hook = reason.hook;
    }
    if (relevant(first).length === 0) lines.push(first.verdict === "pass" ? "no rule says anything about it" : UNSEEN);
  }
  return lines;
}

/** For engines that look on from outside. */
const UNSEEN = "the rules that decided it were not seen";

/** Leaves out jumps into chains that then had nothing to say. */
function relevant({ reasons }: Result): Reason[] {
  return reasons.filter((reason, i) => {
    const last = reason.rule.steps.at(-1);
    if (last?.kind !== "verdict" || !("chain" in last.verdict))
      return last?.kind !== "verdict" || last.verdict.kind !== "return";
    return reason.rule.steps.length > 1 && reasons[i + 1]?.chain === last.verdict.chain;
  });
}

const HOOK_WIDTH = 13;

function renderReason(reason: Reason, hook: string, group: readonly Result[]): string[] {
  const indent = " ".repeat(HOOK_WIDTH);
  const lines = [`${hook.padEnd(HOOK_WIDTH)}${reason.chain}: ${printRule(reason.rule, reason.family)}`];
  if (reason.translated !== undefined) {
    for (const result of group) {
      const step = result.reasons.find(({ translated }) => translated !== undefined);
      if (step?.translated === undefined) continue;
      const { address, port } = step.translated;
      lines.push(`${indent}  ${percent(result.probability)} to ${printAddressPort(address, port)}${originOf(step)}`);
    }
  } else if (reason.element !== undefined && reason.declaration !== undefined) {
    lines.push(`${indent}  ${printElement(reason.element, reason.declaration)}${originOf(reason)}`);
  }
  return lines;
}

function originOf({ element, rule }: Reason): string {
  const origin = element?.origin ?? rule.origin;
  return origin === undefined ? "" : `   ${printPlace(origin.span())}`;
}

function percent(probability: number): string {
  const inverse = Math.round(1 / probability);
  if (probability > 1 - 1e-9) return "always";
  return Math.abs(probability * inverse - 1) < 1e-6 ? `1 in ${inverse}` : `${(probability * 100).toFixed(3)} %`;
}

function describeEnd(outcome: Outcome): string {
  const { verdict, endpoints, sticky, results } = outcome;
  const [first] = results;
  switch (verdict) {
    case "drop":
      return "dropped: the sender hears nothing";
    case "reject":
      return `rejected: the sender hears ${outcome.rejectWith}`;
    case "pass":
      return first?.masquerade === true || first?.takenBy !== undefined
        ? `not sent elsewhere${changesOf(first)}`
        : "untouched: no rule decides, it goes where its address leads";
    case "accept":
      return `accepted, not sent elsewhere${first === undefined ? "" : changesOf(first)}`;
    case "dnat":
    case "mixed": {
      const shown = endpoints.map(
        (endpoint) => `${printAddressPort(endpoint.address, endpoint.port)} ${sourceOf(endpoint)}`,
      );
      const kept = sticky === undefined ? "" : `; the client stays there for ${sticky.timeoutSeconds} s`;
      const other = verdict === "mixed" ? " (or not delivered)" : "";
      return `delivered to ${shown.join(", or ")}${other}${kept}`;
    }
  }
}

function sourceOf({ masquerade, source }: EndpointOutcome): string {
  if (source !== undefined) return `(which sees ${source})`;
  return masquerade ? "(which sees the node's address)" : "(which sees the client's address)";
}

/** What becomes of a packet that is not sent elsewhere. */
function changesOf({ masquerade, source, takenBy = [] }: Result): string {
  const from = masquerade ? `; its source becomes ${source ?? "the node's address"}` : "";
  return `${from}${takenBy.map((text) => `; taken by "${text}", which is not understood`).join("")}`;
}

/** `{packet, outcomes}`: the packet as it was followed, with `inInterfaceAssumed` where the text names no interface, and what
 *  becomes of it, `{assumptions, verdict, rejectWith?, masquerade, source?, endpoints, sticky?, steps}`: more than one where that depends on
 *  matches that are not understood. */
export function traceToJson({ packet, assumed }: ResolvedPacket, outcomes: readonly Outcome[]): string {
  const value = { packet: packetToJson(packet, assumed), outcomes: outcomes.map(outcomeToJson) };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function packetToJson(packet: Packet, assumed: ResolvedPacket["assumed"]): object {
  const { protocol, source, sourcePort, destination, destinationPort, inInterface = null, mark } = packet;
  return {
    protocol: PROTOCOL_NAMES.get(protocol) ?? protocol,
    source: printAddress(source),
    sourcePort,
    destination: printAddress(destination),
    destinationPort,
    inInterface,
    ...(assumed === undefined ? {} : { inInterfaceAssumed: assumed }),
    mark,
  };
}

function outcomeToJson({ assumptions, verdict, rejectWith, endpoints, sticky, results }: Outcome): object {
  const steps = new Map<Reason, object>();
  for (const reason of results.flatMap(relevant)) steps.set(reason, reasonToJson(reason));
  return {
    assumptions: assumptions.map(({ text, holds }) => ({ text, holds })),
    verdict,
    ...(rejectWith === undefined ? {} : { rejectWith }),
    masquerade: results.some(({ masquerade }) => masquerade),
    ...(results[0]?.source === undefined ? {} : { source: results[0].source }),
    endpoints: endpoints.map(({ address, port, probability, masquerade, source }) => ({
      address: printAddress(address),
      port,
      probability,
      masquerade,
      ...(source === undefined ? {} : { source }),
    })),
    ...(sticky === undefined ? {} : { sticky }),
    steps: [...new Map([...steps.values()].map((step) => [JSON.stringify(step), step])).values()],
  };
}

function reasonToJson({ hook, family, table, chain, rule, element, declaration, translated }: Reason): object {
  const span = (element?.origin ?? rule.origin)?.span();
  return {
    hook,
    table: `${family} ${table}`,
    chain,
    rule: printRule(rule, family),
    ...(element === undefined || declaration === undefined ? {} : { element: printElement(element, declaration) }),
    ...(translated === undefined ? {} : { to: printAddressPort(translated.address, translated.port) }),
    ...(span === undefined ? {} : { origin: printPlace(span) }),
  };
}
