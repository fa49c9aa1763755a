/** A table that follows a cluster is the table of the cluster, and a classifier that is patched has it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeTable } from "../../compiler/formats/tables/decode.ts";
import { buildBase } from "../../compiler/library/follow/base.ts";
import { TableFollower } from "../../compiler/library/follow/follow.ts";
import { SOURCE, type Tabulation } from "../../compiler/tabulate/types.ts";
import { createClassifier } from "../../runtime/classifier/inline.ts";
import { buildPacket } from "../../runtime/packet.ts";
import { type ClusterInput, cluster, type Manifest } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { packetsAtServices } from "../support/packets.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";
import { linesOf } from "../support/tabulation.ts";

type Named = Manifest & {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
};

function nameOf({ kind, metadata }: Named): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

/** What a table says. Which sources are `detected` counts only where an answer depends on it. */
function saidBy(table: Uint8Array): string[] {
  const tabulation = decodeTable(table);
  const lines = linesOf(tabulation);
  return dependsOnDetected(tabulation) ? lines : lines.filter((line) => !/^IPv[46] detected /.test(line));
}

function dependsOnDetected({ families, behaviours }: Tabulation): boolean {
  const used = Object.values(families).flatMap(({ rows, localClasses, regions, points }) => [
    ...[...rows, ...localClasses.flatMap((each) => each.rows)].map(({ behaviour }) => behaviour),
    ...[...regions, ...points, ...localClasses.map((each) => each.default)].flatMap((each) => [
      each.new,
      each.invalid,
      each.untracked,
    ]),
  ]);
  return used.some((number) =>
    behaviours[number]?.some((answers) =>
      answers.some((answer, source) => JSON.stringify(answer) !== JSON.stringify(answers[source | SOURCE.detected])),
    ),
  );
}

/** Endpoints that come and go, as they mostly do. */
function withOtherEndpoints(slice: Manifest, pick: (below: number) => number): Manifest {
  const endpoints = (slice["endpoints"] ?? []) as readonly { readonly conditions?: object }[];
  switch (pick(3)) {
    case 0:
      return { ...slice, endpoints: endpoints.slice(1) };
    case 1:
      return { ...slice, endpoints: [...endpoints].reverse() };
    default:
      return {
        ...slice,
        endpoints: endpoints.map((each, i) => (i === 0 ? { ...each, conditions: { ready: pick(2) === 0 } } : each)),
      };
  }
}

/** Objects that change one after the other: those of two clusters, endpoints of the first. */
function* changesOf(
  first: ClusterInput,
  other: ClusterInput,
  pick: (below: number) => number,
): Generator<{ name: string; text?: string }[]> {
  const objects = first.objects as readonly Named[];
  for (const object of objects)
    if (object.kind === "EndpointSlice")
      yield [{ name: nameOf(object), text: JSON.stringify(withOtherEndpoints(object, pick)) }];
  for (const object of [...(other.objects as readonly Named[]), ...objects]) {
    if (pick(3) === 0) yield [{ name: nameOf(object) }];
    else yield [{ name: nameOf(object), text: JSON.stringify(object) }];
  }
}

const MOST_CHANGES = EVERYTHING ? Number.POSITIVE_INFINITY : 8;

test("a patched table says what a new one says", async () => {
  let patches = 0;
  let tables = 0;
  await fc.assert(
    fc.asyncProperty(cluster, cluster, fc.integer(), async (first, other, seed) => {
      const pick = numbersFrom(seed);
      const settings = { config: { ...toConfig(first.proxy), mode: first.mode }, strict: false, source: "" };
      const sources = new Map(
        (first.objects as readonly Named[]).map((each) => [
          nameOf(each),
          { name: nameOf(each), text: JSON.stringify(each) },
        ]),
      );
      const followed = new TableFollower(new Map(sources), settings, []);
      fc.pre(followed.table !== undefined);
      const classifier = await createClassifier(followed.table as Uint8Array);
      for (const changes of [...changesOf(first, other, pick)].slice(0, MOST_CHANGES)) {
        const { patch, table, diagnostics } = followed.update(changes);
        if (patch === undefined && table === undefined) {
          expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
          continue;
        }
        for (const { name, text } of changes) {
          if (text === undefined) sources.delete(name);
          else sources.set(name, { name, text });
        }
        const { base } = buildBase([...sources.values()], settings);
        const wanted = base?.table.bytes as Uint8Array;
        expect(saidBy(followed.table as Uint8Array)).toEqual(saidBy(wanted));
        if (patch === undefined) {
          classifier.replace(table as Uint8Array);
          tables++;
          continue;
        }
        classifier.patch(patch);
        patches++;
        const fresh = await createClassifier(wanted);
        for (const packet of packetsAtServices(first, pick(16), 5)) {
          const bytes = buildPacket(packet);
          const { endpoints: ours, endpoint: _, ...found } = classifier.explain(bytes);
          const { endpoints: theirs, endpoint: __, ...told } = fresh.explain(bytes);
          expect({ ...found, endpoints: ours }).toEqual({ ...told, endpoints: theirs });
        }
      }
    }),
    { numRuns: runs(8) },
  );
  // Of many of these clusters Services meet each other, the node or endpoints: then tables are made anew.
  expect(patches).toBeGreaterThan(tables / 10);
});
