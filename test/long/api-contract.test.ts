/** The real API server does what the fake one does, and what the client counts on. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAccess } from "../../runtime/api/access.ts";
import { ApiClient } from "../../runtime/api/client.ts";
import { REAL_CLOCK } from "../../runtime/api/clock.ts";
import { ENDPOINT_SLICES, SERVICES } from "../../runtime/api/kinds.ts";
import { members } from "../../runtime/api/trouble.ts";
import { CONTRACTS, ContractCase } from "../support/api-server/contract.ts";
import { FollowedKind } from "../support/api-server/followed.ts";
import { call } from "../support/api-server/raw-request.ts";
import { kubeMissing } from "../support/kube/binaries.ts";
import { grantRole } from "../support/kube/grant.ts";
import { RealApiServer } from "../support/kube/real-api-server.ts";
import { numbersFrom } from "../support/slots.ts";

const missing = kubeMissing(["etcd", "kube-apiserver"]);
if (missing !== undefined) process.stderr.write(`tests against the real API server are left out: ${missing}\n`);

/** Makes the server forget all versions before now. */
async function forgetAll(server: RealApiServer): Promise<void> {
  const { body } = await call(server.access("admin"), "GET", "/api/v1/namespaces?limit=1");
  await server.compact(String(members(body?.["metadata"])["resourceVersion"]));
  await server.restart();
}

/** What an agent may do, and nothing else. */
const ROLE = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watcher}
rules:
- {apiGroups: [""], resources: [services], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
`;

describe.skipIf(missing !== undefined)("the real API server", () => {
  let server: RealApiServer;

  beforeAll(async () => {
    server = await RealApiServer.start();
  }, 180_000);

  afterAll(() => server?.stop());

  test.each(CONTRACTS.map((contract, i) => [contract.name, contract, i] as const))(
    "%s",
    async (_, { run, expected }, i) => {
      const access = server.access("admin");
      expect(
        await run(new ContractCase({ access, forget: () => forgetAll(server), pass: () => {} }, `case${i}`)),
      ).toEqual(expected);
    },
  );

  test("a watch of it has the objects that the server has, whatever becomes of the server and of versions", async () => {
    const access = server.access("admin");
    const it = new FollowedKind(openAccess(access, REAL_CLOCK), SERVICES, REAL_CLOCK);
    const below = numbersFrom(7);
    const path = "/api/v1/namespaces/default/services";
    const change = async (round: number): Promise<void> => {
      const name = `s${below(12)}`;
      const labels = below(4) === 0 ? { "service.kubernetes.io/headless": "" } : { round: String(round) };
      const body = { metadata: { name, labels }, spec: { ports: [{ port: 80 }] } };
      const kind = below(3);
      if (kind === 0) await call(access, "DELETE", `${path}/${name}`);
      else if (kind === 1) await call(access, "POST", path, { body });
      else await call(access, "PATCH", `${path}/${name}`, { body: { metadata: { labels } } });
    };
    const accidents = [() => server.restart(), () => forgetAll(server), () => Promise.resolve()];
    for (let round = 0; round < 60; round++) {
      await change(round);
      if (round % 10 === 9) await accidents[below(accidents.length)]?.();
    }
    // All that came before it has been told when the last one is.
    await call(access, "POST", path, { body: { metadata: { name: "last" }, spec: { ports: [{ port: 80 }] } } });
    await it.until(() => it.objects.has("default/last"));
    const { labelSelector = "", fieldSelector = "" } = SERVICES;
    const query = new URLSearchParams({ labelSelector, fieldSelector });
    const { body } = await call(access, "GET", `/api/v1/services?${query}`);
    const items = members(body)["items"] as readonly { readonly metadata: Readonly<Record<string, unknown>> }[];
    const versions = (objects: Iterable<unknown>): string[] =>
      [...objects].map((object) => JSON.stringify(members(members(object)["metadata"])["resourceVersion"])).sort();
    expect(versions(it.objects.values())).toEqual(versions(items));
    await it.stop();
  });

  test("a watch is forbidden without a role, says which verb it lacks, and goes on once the role is there", async () => {
    const it = new FollowedKind(openAccess(server.access("watcher"), REAL_CLOCK), ENDPOINT_SLICES, REAL_CLOCK);
    await it.until(() => it.watch.state.trouble !== undefined);
    expect(it.watch.state.trouble?.reason).toBe("forbidden");
    expect(it.watch.state.trouble?.message).toMatch(
      /endpointslices.* is forbidden: User "watcher" cannot \w+ resource/,
    );
    await grantRole(server, "watcher", ROLE);
    await it.until(() => it.told.includes("synced"));
    await it.stop();
    const client = new ApiClient(openAccess(server.access("watcher"), REAL_CLOCK), REAL_CLOCK);
    const secrets = client.list("/api/v1/secrets", {}, new AbortController().signal, () => {});
    await expect(secrets).rejects.toMatchObject({ reason: "forbidden" });
  });
});
