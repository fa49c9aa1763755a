/** Slices that were read without their endpoints in their value. */
import type { Addition } from "./read-objects.ts";

/** `additions`, if they are one EndpointSlice of v1 with nothing to report. */
export function soundSlice(additions: readonly Addition[]): readonly Addition[] | undefined {
  const [only, more] = additions;
  const isSound = only?.kind === "object" && more === undefined && only.addTo !== undefined;
  return isSound && only.known === "EndpointSlice" && !only.isBeta && only.findings.length === 0
    ? additions
    : undefined;
}
