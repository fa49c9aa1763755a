/** From the things that can happen to a packet to one summary of them. */
import { printAddressPort } from "../net/address.ts";
import { type Assumption, assumptionsOf } from "./assumption.ts";
import { ALWAYS, both, type Condition, not, unknownMatch } from "./condition.ts";
import type { EndpointOutcome, Outcome, Result } from "./packet.ts";

/** The outcome that `results` are together, their probabilities adding up to 1, where `condition` holds. */
export function outcomeOf(results: readonly Result[], condition: Condition = ALWAYS): Outcome {
  const verdicts = new Set(results.map(({ verdict }) => verdict));
  const [first] = results;
  const verdict = verdicts.size === 1 && first !== undefined ? first.verdict : "mixed";
  const translated = results.filter((result) => result.verdict === "dnat");
  const sticky = translated.every((result) => result.sticky !== undefined) ? translated[0]?.sticky : undefined;
  return {
    verdict,
    ...(verdict === "reject" && first?.rejectWith !== undefined ? { rejectWith: first.rejectWith } : {}),
    endpoints: collectEndpoints(results),
    ...(sticky === undefined ? {} : { sticky }),
    results,
    condition,
    ...assumptionsOf(condition),
  };
}

/** `outcome` where all of `assumed` is assumed as well. */
export function assuming(outcome: Outcome, assumed: readonly Assumption[]): Outcome {
  const condition = assumed.reduce((all, { text, holds }) => {
    const own = unknownMatch(text);
    return both(all, holds ? own : not(own));
  }, outcome.condition);
  return { ...outcome, condition, ...assumptionsOf(condition) };
}

/** Equal destinations once, with their probabilities added up; sorted as text. */
function collectEndpoints(results: readonly Result[]): EndpointOutcome[] {
  const endpoints = new Map<string, EndpointOutcome>();
  for (const { endpoint, probability, masquerade, source } of results) {
    if (endpoint === undefined) continue;
    const key = `${printAddressPort(endpoint.address, endpoint.port)} ${masquerade} ${source ?? ""}`;
    const known = endpoints.get(key);
    endpoints.set(key, {
      ...endpoint,
      masquerade,
      ...(source === undefined ? {} : { source }),
      probability: probability + (known?.probability ?? 0),
    });
  }
  return [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}
