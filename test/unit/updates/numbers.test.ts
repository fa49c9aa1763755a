/** Sticky endpoints that want one number: whoever comes or goes, their numbers are those that `compile` gives. */
import { expect, test } from "vitest";
import { hashText } from "../../../compiler/net/hash.ts";
import { type AgentEvent, disagreement, OF_ONE_NUMBER } from "../../support/events.ts";

const CONFIG = { nodeName: "node-a", mode: "nftables" } as const;

// Of two Services: with session affinity, their endpoints, the second one's without affinity.
const [FIRST, FIRST_SLICE, SECOND, SECOND_SLICE, PLAIN] = OF_ONE_NUMBER;

type Put = (typeof OF_ONE_NUMBER)[number] | undefined;

function put(...objects: readonly Put[]): AgentEvent[] {
  return [...objects.map((object) => ({ kind: "put", object }) as AgentEvent), { kind: "update", limit: 500 }];
}

function gone(object: Put): AgentEvent[] {
  return [{ kind: "delete", object } as AgentEvent, { kind: "update", limit: 500 }];
}

/** The first one's slice with one more endpoint. */
const LONGER = { ...FIRST_SLICE, endpoints: [{ addresses: ["10.244.0.1"] }, { addresses: ["10.244.0.2"] }] };

test("the two want one number", () => {
  const [first, second] = ["web-5pwq", "web-g5fe"].map((name) => hashText(`shop/${name}/tcp/10.244.0.1:8080`));
  expect(first).toBe(second);
});

test.each<[what: string, events: readonly AgentEvent[]]>([
  ["both at once", put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE)],
  ["the first one later", [...put(SECOND, SECOND_SLICE), ...put(FIRST, FIRST_SLICE)]],
  ["the second one later", [...put(FIRST, FIRST_SLICE), ...put(SECOND, SECOND_SLICE)]],
  ["endpoints later", [...put(FIRST, SECOND), ...put(SECOND_SLICE), ...put(FIRST_SLICE)]],
  ["the first one goes", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...gone(FIRST)]],
  ["the second one goes", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...gone(SECOND)]],
  ["its endpoints go", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...gone(FIRST_SLICE)]],
  ["it goes and comes again", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...gone(FIRST), ...put(FIRST)]],
  ["one gets another endpoint", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...put(LONGER)]],
  ["one that is not sticky wants none", put(FIRST, FIRST_SLICE, PLAIN, SECOND_SLICE)],
  ["it becomes sticky", [...put(FIRST, FIRST_SLICE, PLAIN, SECOND_SLICE), ...put(SECOND)]],
  ["it is sticky no longer", [...put(FIRST, FIRST_SLICE, SECOND, SECOND_SLICE), ...put(PLAIN)]],
])("%s", (_, events) => {
  expect(disagreement({ config: CONFIG, events })).toBe("");
});
