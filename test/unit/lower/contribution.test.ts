/** What Service ports need a table to have, and which tables have it. */
import { expect, test } from "vitest";
import { Contribution, commentsOf } from "../../../compiler/lower/contribution.ts";
import { Identities } from "../../../compiler/lower/identities.ts";
import { servicePort } from "../../support/service-port.ts";

test.each<[what: string, need: (contribution: Contribution) => void]>([
  ["a protocol", ({ protocols }) => protocols.add("udp")],
  ["a timeout of session affinity", ({ affinitySeconds }) => affinitySeconds.add(60)],
  ["a feature", ({ features }) => features.add("node-ports")],
])("a table without %s has no room for Service ports that need it, until it is widened", (_, need) => {
  const [few, table] = [new Contribution(new Identities()), new Contribution(new Identities())];
  expect(few.fitsInto(table)).toBe(true);
  need(few);
  expect([few.fitsInto(table), table.fitsInto(few)]).toEqual([false, true]);
  table.widen(few);
  expect(few.fitsInto(table)).toBe(true);
});

test("elements of a Service port are known by its name, or by its Service's", () => {
  expect(commentsOf(servicePort({ portName: "http" }))).toEqual(["shop/web:http", "shop/web"]);
});

test("of elements with one key the first one counts", () => {
  const contribution = new Contribution(new Identities());
  const [first, second] = ["web", "api"].map((name) => ({ key: [1], comment: name }));
  if (first === undefined || second === undefined) throw new Error("there are two");
  contribution.share("set", 1, first);
  contribution.share("set", 1, second);
  expect([...contribution.sharedOf("set").values()]).toEqual([first]);
});
