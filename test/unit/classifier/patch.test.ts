/** Patches of tables in use: those for them, and those that are refused. */
import { describe, expect, test } from "vitest";
import { checksumOf } from "../../../compiler/formats/tables/bytes.ts";
import { type FollowedTable, followTable } from "../../../compiler/index.ts";
import { createClassifier, TableError } from "../../../runtime/classifier/inline.ts";
import { EVERYTHING, some } from "../../support/runs.ts";
import { webCluster } from "../../support/tables.ts";

const SETTINGS = { nodeName: "node-a", nodeIP: "192.168.0.2", clusterCIDR: "10.244.0.0/16" } as const;

function sourcesOf(endpoints: readonly string[], spec: Readonly<Record<string, unknown>> = {}) {
  return webCluster(endpoints, spec).objects.map((object) => ({
    name: String(object["kind"]),
    text: JSON.stringify(object),
  }));
}

const toWeb = { protocol: "tcp", source: "10.244.9.9", destination: "10.96.0.1", destinationPort: 80 } as const;

function follow(...endpoints: readonly string[]): FollowedTable {
  const followed = followTable(sourcesOf(endpoints), { settings: SETTINGS });
  expect(followed.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return followed;
}

const bytesOf = (bytes: Uint8Array | undefined): Uint8Array => bytes ?? expect.fail("no bytes");

/** The patch for other endpoints. */
function patchTo(followed: FollowedTable, ...endpoints: readonly string[]): Uint8Array {
  return bytesOf(followed.update(sourcesOf(endpoints)).patch);
}

describe("a patch", () => {
  test("changes the table in use, and comes after the ones before it", async () => {
    const followed = follow("10.244.1.1");
    const classifier = await createClassifier(bytesOf(followed.table));
    const first = patchTo(followed, "10.244.1.2");
    const second = patchTo(followed, "10.244.1.3", "10.244.1.4");
    const endpoints = (): string =>
      classifier
        .explain(toWeb)
        .endpoints.map(({ address }) => address)
        .join();
    const out = new TableError("the patch is for another table: a patch is missing, or out of order");
    expect(() => classifier.patch(second)).toThrow(out);
    expect(endpoints()).toBe("10.244.1.1");
    classifier.patch(Buffer.from(first)); // Node's bytes, which are a part of others
    expect(endpoints()).toBe("10.244.1.2");
    expect(() => classifier.patch(first)).toThrow(out);
    classifier.patch(second);
    expect(endpoints()).toBe("10.244.1.3,10.244.1.4");
    expect((await createClassifier(bytesOf(followed.table))).explain(toWeb)).toEqual(classifier.explain(toWeb));
  });

  test.each<[why: string, damage: (patch: Uint8Array, view: DataView) => Uint8Array]>([
    ["this is no patch of kpc", () => new Uint8Array(64)],
    ["this is no patch of kpc", (patch) => patch.subarray(0, 12)],
    ["the patch has another layout: expected version 1", withWord(4, 2)],
    ["the patch is damaged: its checksum is another one", withWord(24, 7)],
    ["the patch is damaged: its checksum is another one", (patch) => patch.subarray(0, -1)],
    [
      "the patch is damaged: a part of it points out of the table",
      (patch, view) => sealed(patch, view, 16, 0x7ffffff0),
    ],
    [
      "the patch is damaged: a part of it points out of the table",
      (patch, view) => sealed(patch, view, 20, 0x3fffffff),
    ],
    ["the patch is damaged: a part of it points out of the table", (patch, view) => sealed(patch, view, 20, 0)],
    ["the patch is damaged: a part of it points out of the table", (patch, view) => sealed(patch, view, 16, 13)],
  ])("is refused: %s", async (why, damage) => {
    const followed = follow("10.244.1.1");
    const classifier = await createClassifier(bytesOf(followed.table));
    const patch = patchTo(followed, "10.244.1.2");
    const copy = patch.slice();
    expect(() => classifier.patch(damage(copy, new DataView(copy.buffer)))).toThrow(new TableError(why));
    expect(classifier.classify(toWeb).endpoint?.address).toBe("10.244.1.1");
  });
});

/** Another word at `at`. */
function withWord(at: number, word: number): (patch: Uint8Array, view: DataView) => Uint8Array {
  return (patch, view) => {
    view.setUint32(at, word, true);
    return patch;
  };
}

/** Another word at `at`, with a checksum that does not give it away. */
function sealed(patch: Uint8Array, view: DataView, at: number, word: number): Uint8Array {
  view.setUint32(at, word, true);
  view.setUint32(12, checksumOf(patch, 16), true);
  return patch;
}

describe("a followed table is made anew", () => {
  const CHANGES: readonly (readonly [what: string, changes: (text: string) => { name: string; text?: string }[]])[] = [
    ["for an object on which all Services may depend", () => [{ name: "node", text: NODE }]],
    [
      "for a second Service with the same address",
      (text) => [
        { name: "other", text: text.replace('"name":"web"', '"name":"other"').replace('"port":80', '"port":81') },
      ],
    ],
    ["for a treatment that is new", () => sourcesOf(["10.244.1.1"], { sessionAffinity: "ClientIP" })],
  ];
  test.each(some(CHANGES, 1))("%s", (_, changes) => {
    const followed = follow("10.244.1.1");
    const [service] = sourcesOf(["10.244.1.1"]);
    const { patch, table, diagnostics } = followed.update(changes(service?.text ?? ""));
    expect({ patch, errors: diagnostics.filter(({ severity }) => severity === "error") }).toEqual({
      patch: undefined,
      errors: [],
    });
    expect(table).toEqual(followed.table);
  });

  test("and stays as it is after an error", () => {
    const followed = follow("10.244.1.1");
    const before = followed.table;
    const { patch, table, diagnostics } = followed.update([{ name: "Service", text: "kind: Service" }]);
    expect({ patch, table }).toEqual({ patch: undefined, table: undefined });
    expect(diagnostics.map(({ severity }) => severity)).toContain("error");
    expect(followed.table).toEqual(before);
    expect(patchTo(followed, "10.244.1.2").length).toBeGreaterThan(0);
  });

  test.runIf(EVERYTHING)("when its room is used up", () => {
    const followed = follow("10.244.1.1");
    const lists = Array.from({ length: 40 }, (_, i) => Array.from({ length: 20 + i }, (__, k) => `10.244.${i}.${k}`));
    const updates = lists.map((list) => followed.update(sourcesOf(list)));
    expect(updates.filter(({ patch }) => patch !== undefined).length).toBeGreaterThan(20);
    expect(updates.filter(({ table }) => table !== undefined).length).toBeGreaterThan(0);
  });
});

const NODE = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: "node-a" } });
