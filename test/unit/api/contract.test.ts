/** The fake API server does what the real one does. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTRACTS, ContractCase } from "../../support/api-server/contract.ts";
import { FakeApiServer } from "../../support/api-server/fake-api-server.ts";

let fake: FakeApiServer;

beforeAll(async () => {
  fake = await FakeApiServer.start();
  fake.tokens = new Set(["admin"]);
});

afterAll(() => fake.stop());

test.each(CONTRACTS.map((contract, i) => [contract.name, contract, i] as const))(
  "%s",
  async (_, { run, expected }, i) => {
    const forget = (): Promise<void> => Promise.resolve(fake.store.compact());
    const pass = (): void => fake.clock.advance(1000);
    expect(await run(new ContractCase({ access: fake.access("admin"), forget, pass }, `case${i}`))).toEqual(expected);
  },
);
