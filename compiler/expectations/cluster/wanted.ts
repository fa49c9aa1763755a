/** What a flow's expectation means in one network: names become hosts and addresses. */
import type { Report } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import type { NetworkLayout } from "../../layout/types.ts";
import { type Address, printAddress } from "../../net/address.ts";
import type { Specs } from "../../specs/types.ts";
import type { EndNames } from "../../trace/walk/ends.ts";
import type { DeliveredTo, Receiver, WalkExpectation } from "./types.ts";

/** Who gets the packet: hosts by their names, and the ports at them that are named. */
export type WantedReceivers =
  | { readonly kind: "exactly"; readonly hosts: ReadonlyMap<string, ReadonlySet<number>> }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "nobody" };

/** The network that expectations are about. */
export interface CaseNetwork {
  readonly specs: Specs;
  readonly layout: NetworkLayout;
  readonly names: EndNames;
}

/** The receivers that `delivered` means. Reports `unknown-object` for names and labels that nobody has. */
export function receiversOf(
  { delivered }: WalkExpectation,
  network: CaseNetwork,
  report: Report,
): WantedReceivers | undefined {
  if (delivered === undefined) return undefined;
  const { value, field } = delivered;
  switch (value.kind) {
    case "nobody":
    case "count":
      return value;
    case "labels": {
      const found = podsWith(value.labels, network);
      if (found.length > 0) return { kind: "exactly", hosts: new Map(found.map((host) => [host, new Set()])) };
      const message = `no ready Pod of the input has the labels ${labelsText(value.labels)}`;
      report({ severity: "error", code: "unknown-object", message, origin: field });
      return undefined;
    }
    case "hosts": {
      const hosts = new Map<string, Set<number>>();
      for (const { value: receiver, field: origin } of value.hosts) {
        const host = hostOf(receiver, network, (message) =>
          report({ severity: "error", code: "unknown-object", message, origin }),
        );
        if (host === undefined) continue;
        const ports = hosts.get(host) ?? new Set();
        if (receiver.port !== undefined) ports.add(receiver.port);
        hosts.set(host, ports);
      }
      return { kind: "exactly", hosts };
    }
    default:
      return unreachable(value);
  }
}

function hostOf({ name }: Receiver, { names }: CaseNetwork, fail: (message: string) => void): string | undefined {
  const found = names.find(name);
  const { target } = found;
  if (target?.kind === "host") {
    if (target.host === undefined)
      fail(`${target.name} has no place in the network: it has no address, or no node of the input`);
    return target.host?.name;
  }
  if (target !== undefined) fail(`expected a pod or another host: ${target.name} is a Service, its pods get packets`);
  else if (found.candidates.length > 0) fail(`${name} may be any of ${found.candidates.join(", ")}`);
  else {
    const near = names.nearest(name);
    fail(`${name} is not in the input${near === undefined ? "" : `, did you mean ${near}?`}`);
  }
  return undefined;
}

/** Hosts of the ready Pods with these labels. */
function podsWith(labels: ReadonlyMap<string, string>, { specs, layout }: CaseNetwork): string[] {
  return specs.pods
    .filter(({ meta, ready, finished }) => {
      const has = [...labels].every(([key, value]) => meta.labels.get(key) === value);
      return has && ready && !finished;
    })
    .map(({ meta }) => `pod/${meta.namespace}/${meta.name}`)
    .map((name) => layout.aliases.get(name) ?? name)
    .filter((name) => layout.network.hosts.has(name));
}

function labelsText(labels: ReadonlyMap<string, string>): string {
  return [...labels].map(([key, value]) => `${key}=${value}`).join(",");
}

/** Reports names in `via` that no node has. */
export function checkVia({ via }: WalkExpectation, { specs, names }: CaseNetwork, report: Report): void {
  for (const { value, field } of via?.value ?? []) {
    if (specs.nodes.some(({ meta }) => meta.name === nodeName(value))) continue;
    const near = names.nearest(value.startsWith("node/") ? value : `node/${value}`);
    const hint = near?.startsWith("node/") ? `, did you mean ${near.slice("node/".length)}?` : "";
    const message = `no Node ${nodeName(value)} is in the input${hint}`;
    report({ severity: "error", code: "unknown-object", message, origin: field });
  }
}

/** `node-1`, also of `node/node-1`. */
export function nodeName(text: string): string {
  return text.replace(/^node\//, "");
}

/** An expectation in the words that results have. */
export function describeWanted({ delivered, seenAs, reply, via, ends, probability, status }: WalkExpectation): string {
  const parts = [
    delivered && deliveredText(delivered.value),
    probability && `with a chance of ${Number(probability.value.toFixed(6))} each`,
    seenAs &&
      `seen as ${seenAs.value.map((each) => (typeof each === "object" ? printAddress(each.address) : each)).join(" or ")}`,
    reply && `reply ${reply.value}`,
    via && viaText(via.value.map(({ value }) => nodeName(value))),
    ends && `${ends.value}`,
    status && `answered by the ingress proxy with ${status.value}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function deliveredText(delivered: DeliveredTo): string {
  switch (delivered.kind) {
    case "nobody":
      return "not delivered";
    case "count":
      return `delivered to ${delivered.count}`;
    case "labels":
      return `delivered to all pods with ${labelsText(delivered.labels)}`;
    case "hosts":
      return `delivered to ${delivered.hosts.map(({ field }) => field.value).join(", ")}`;
    default:
      return unreachable(delivered);
  }
}

/** The nodes on a way, in words. */
export function viaText(nodes: readonly string[]): string {
  return nodes.length === 0 ? "via no node" : `via ${nodes.join(", ")}`;
}

/** The addresses of all hosts of a kind. */
export function addressesOfKind(kind: "node" | "gateway", { layout }: CaseNetwork): ReadonlySet<Address> {
  const found = new Set<Address>();
  for (const { role, interfaces } of layout.network.hosts.values()) {
    if (role.kind !== kind) continue;
    for (const { addresses } of interfaces)
      for (const { address, scope } of addresses) if (scope === "global") found.add(address);
  }
  return found;
}
