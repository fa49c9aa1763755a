/** Comparing what was expected with what happened. */
import { TOLERANCE } from "../evaluate/distribution.ts";
import type { EndpointOutcome, Outcome } from "../evaluate/packet.ts";
import { printAddressPort } from "../net/address.ts";
import type { Expectation } from "./types.ts";

/** What is wrong with `outcome`, in words; undefined when it is as expected. */
export function findMismatch(expected: Expectation, outcome: Outcome): string | undefined {
  if (outcome.verdict !== expected.verdict) return `expected ${expected.verdict}, got ${describeOutcome(outcome)}`;
  if (expected.verdict !== "dnat") return undefined;
  const names = outcome.endpoints.map(nameOf);
  if (names.join() !== expected.endpoints.join())
    return `expected one of ${expected.endpoints.join(", ")}, got ${names.join(", ")}`;
  const masqueraded = outcome.endpoints.filter(({ masquerade }) => masquerade).map(nameOf);
  const wanted = expected.masquerade ? expected.endpoints : expected.masqueradeEndpoints;
  if (masqueraded.join() !== wanted.join()) {
    return `expected masquerading for ${list(wanted)}, got it for ${list(masqueraded)}`;
  }
  const share = 1 / outcome.endpoints.length;
  const uneven = outcome.endpoints.find(({ probability }) => Math.abs(probability - share) > TOLERANCE);
  if (uneven !== undefined) return `expected equal chances, got ${uneven.probability.toFixed(6)} for ${nameOf(uneven)}`;
  const seconds = outcome.sticky?.timeoutSeconds;
  if (expected.stickySeconds !== undefined && seconds !== expected.stickySeconds) {
    return `expected the choice to be kept for ${expected.stickySeconds} s, got ${seconds === undefined ? "no affinity" : `${seconds} s`}`;
  }
  return undefined;
}

function nameOf({ address, port }: EndpointOutcome): string {
  return printAddressPort(address, port);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}

/** An outcome in a few words. */
export function describeOutcome(outcome: Outcome): string {
  const { verdict, endpoints } = outcome;
  if (verdict === "reject") return `reject with ${outcome.rejectWith}`;
  if (endpoints.length === 0) return verdict;
  const shown = endpoints.map((endpoint) => `${nameOf(endpoint)}${endpoint.masquerade ? " (masqueraded)" : ""}`);
  return `${verdict} to ${shown.join(", ")}`;
}

/** An expectation in the same words. */
export function describeExpectation({ verdict, endpoints, masquerade, masqueradeEndpoints }: Expectation): string {
  if (verdict !== "dnat") return verdict;
  const shown = endpoints.map((name) =>
    masquerade || masqueradeEndpoints.includes(name) ? `${name} (masqueraded)` : name,
  );
  return `dnat to ${shown.join(", ")}`;
}
