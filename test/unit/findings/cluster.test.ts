/** Without a flow: walks of each kind find a cluster's faults, and nothing in a healthy one. */
import { describe, expect, test } from "vitest";
import { POD_NETWORKS } from "../../../compiler/specs/network-types.ts";
import { FAULTS } from "../../support/all-faults.ts";
import { findingsOfCluster } from "../../support/faults.ts";
import { some } from "../../support/runs.ts";

test.each(some(POD_NETWORKS, 1))("a healthy cluster has none: %s", (pods) => {
  expect(findingsOfCluster({ pods }).map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
});

/** Faults that are met only by flows that no other one stands for: to an address that nobody has, or to one pod of several; and others. */
const SPECIAL: ReadonlySet<string> = new Set([
  // No flow stands for Services without endpoints.
  ...["routed", "nat", "proxy"].map((kind) => `a load balancer (${kind}) without a healthy node`),
  "two routers that point at each other",
  "two routers that point at each other, IPv6",
  "route_localnet off",
  "a port of the bridge with a smaller MTU",
  // Each walk takes its time.
  "many rules that match by what kpc does not understand",
]);

const ROUTES: ReadonlySet<string> = new Set(["no-route", "node-without-route", "reply-lost"]);

/** The quick set has few of these: each walks between all ends. */
const HELD = some(
  FAULTS.filter(({ name }) => !SPECIAL.has(name)),
  3,
);

describe.each(HELD)("$name ($pods)", (fault) => {
  test(`${fault.code} at ${fault.host}`, () => {
    // What one command mends is told as one fault, the others in its notes.
    const found = findingsOfCluster(fault).flatMap(({ code, host, notes = [] }) => [
      `${code} at ${host}`,
      ...notes
        .flatMap(({ message }) => /^likewise: .* \[([\w-]+)\]$/.exec(message)?.[1] ?? [])
        .map((each) => `${each} at ${host}`),
    ]);
    const codes = ROUTES.has(fault.code) ? [...ROUTES] : [fault.code];
    expect(
      codes.map((code) => `${code} at ${fault.host}`).some((each) => found.includes(each)),
      found.join(),
    ).toBe(true);
  });
});
