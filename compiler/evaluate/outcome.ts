/** From the things that can happen to a packet to one summary of them. */
import { printAddressPort } from "../net/address.ts";
import type { EndpointOutcome, Outcome, Result } from "./packet.ts";
import type { Assumption } from "./unknown/assumption.ts";
import { assumptionsOf } from "./unknown/assumptions-of.ts";
import { ALWAYS, both, type Condition, not, unknownMatch } from "./unknown/condition.ts";

/** The outcome that `results` are together, their probabilities adding up to 1, where `condition` holds. */
export function outcomeOf(results: readonly Result[], condition: Condition = ALWAYS): Outcome {
  const first = results[0];
  const verdict = first && verdictOf(first);
  const isOne = verdict !== undefined && results.every((each) => verdictOf(each) === verdict);
  const timeoutSeconds = rememberedFor(results);
  return {
    verdict: isOne ? verdict : "mixed",
    ...(isOne && first?.disposition.kind === "reject" ? { rejectWith: first.disposition.with } : {}),
    endpoints: collectEndpoints(results),
    ...(timeoutSeconds === undefined ? {} : { sticky: { timeoutSeconds } }),
    results,
    condition,
    ...assumptionsOf(condition),
  };
}

/** How long the translation is remembered that comes first; undefined: some are not. */
function rememberedFor(results: readonly Result[]): number | undefined {
  let first: number | undefined;
  for (const { disposition } of results) {
    if (disposition.kind !== "dnat") continue;
    if (disposition.stickySeconds === undefined) return undefined;
    first ??= disposition.stickySeconds;
  }
  return first;
}

/** What happens in one word; of a packet that goes on where it was sent, whether a rule accepted it. */
export function verdictOf({ disposition, isAccepted }: Result): Exclude<Outcome["verdict"], "mixed"> {
  return disposition.kind === "pass" && isAccepted ? "accept" : disposition.kind;
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
  for (const { disposition, probability } of results) {
    if (disposition.kind !== "dnat") continue;
    const { to, source } = disposition;
    const masquerade = source.kind !== "kept";
    const given = source.kind === "given" ? source.text : undefined;
    const key = `${printAddressPort(to.address, to.port)} ${masquerade} ${given ?? ""}`;
    const known = endpoints.get(key);
    endpoints.set(key, {
      ...to,
      masquerade,
      ...(given === undefined ? {} : { source: given }),
      probability: probability + (known?.probability ?? 0),
    });
  }
  return [...endpoints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}
