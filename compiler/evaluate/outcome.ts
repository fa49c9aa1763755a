/** From the things that can happen to a packet to one summary of them. */
import { printAddressPort } from "../net/address.ts";
import type { EndpointOutcome, Outcome, Result } from "./packet.ts";
import type { Assumption } from "./unknown/assumption.ts";
import { assumptionsOf } from "./unknown/assumptions-of.ts";
import { ALWAYS, both, type Condition, not, unknownMatch } from "./unknown/condition.ts";

/** The outcome that `results` are together, their probabilities adding up to 1, where `condition` holds. */
export function outcomeOf(results: readonly Result[], condition: Condition = ALWAYS): Outcome {
  const [verdict, ...others] = new Set(results.map(verdictOf));
  const [first] = results.map(({ disposition }) => disposition);
  const seconds = results.flatMap(({ disposition }) =>
    disposition.kind === "dnat" ? [disposition.stickySeconds] : [],
  );
  const [timeoutSeconds] = seconds.includes(undefined) ? [] : seconds;
  return {
    verdict: verdict === undefined || others.length > 0 ? "mixed" : verdict,
    ...(others.length === 0 && first?.kind === "reject" ? { rejectWith: first.with } : {}),
    endpoints: collectEndpoints(results),
    ...(timeoutSeconds === undefined ? {} : { sticky: { timeoutSeconds } }),
    results,
    condition,
    ...assumptionsOf(condition),
  };
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
