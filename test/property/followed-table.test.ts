/** A table that follows a cluster is the table of the cluster, and a classifier that is patched has it. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { compileSpecs } from "../../compiler/compile.ts";
import type { Report, Source } from "../../compiler/diagnostics.ts";
import { decodeTable } from "../../compiler/formats/tables/decode.ts";
import { encodeTable } from "../../compiler/formats/tables/encode.ts";
import { buildBase, type FollowSettings, type FollowWork } from "../../compiler/library/follow/base.ts";
import type { ObjectEvent } from "../../compiler/library/follow/changes.ts";
import { TableFollower } from "../../compiler/library/follow/follow.ts";
import { ServiceForms } from "../../compiler/library/follow/forms.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import type { Specs } from "../../compiler/specs/types.ts";
import type { TablePart } from "../../compiler/tabulate/part.ts";
import { tabulate } from "../../compiler/tabulate/tabulate.ts";
import { SOURCE, type Tabulation } from "../../compiler/tabulate/types.ts";
import { createClassifier } from "../../runtime/classifier/inline.ts";
import { buildPacket } from "../../runtime/packet.ts";
import { type ClusterInput, cluster, type Manifest } from "../support/arbitraries.ts";
import { toConfig } from "../support/compile.ts";
import { packetsAtServices } from "../support/packets.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";
import { linesOf } from "../support/tabulation.ts";
import { type NamedManifest, nameOf, serviceOf, twinOf, withTwins } from "../support/twins.ts";

/** A change as a watch tells of it. */
function eventOf({ name, text }: { readonly name: string; readonly text?: string }): ObjectEvent {
  if (text !== undefined) return { type: "MODIFIED", object: JSON.parse(text) as object };
  const [kind, namespace, own] = name.split(/[ /]/);
  return { type: "DELETED", object: { kind, metadata: { namespace, name: own } } };
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

/** The table that the rules of all objects give, walked one by one. */
function tableOfRules(
  sources: readonly Source[],
  { config, strict }: Pick<FollowSettings, "config" | "strict">,
): Uint8Array {
  const load = (report: Report): Specs => ({ ...loadSpecs(sources, report), nothing: false });
  const { compiled } = compileSpecs(load, config, { strict, complete: false });
  const tabulated = compiled && tabulate(compiled.program, compiled.node.addresses);
  if (tabulated === undefined || "unsupported" in tabulated) return expect.fail("no table");
  return encodeTable(tabulated.tabulation, "");
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
  const objects = first.objects as readonly NamedManifest[];
  for (const object of objects)
    if (object.kind === "EndpointSlice")
      yield [{ name: nameOf(object), text: JSON.stringify(withOtherEndpoints(object, pick)) }];
  for (const by of [97, 161])
    for (const object of objects)
      if (object.kind === "Service" || object.kind === "EndpointSlice") {
        const twin = twinOf(object, by);
        yield [{ name: nameOf(twin), text: JSON.stringify(twin) }];
      }
  for (const object of [...(other.objects as readonly NamedManifest[]), ...objects]) {
    if (pick(3) === 0) yield [{ name: nameOf(object) }];
    else yield [{ name: nameOf(object), text: JSON.stringify(object) }];
  }
}

const MOST_CHANGES = EVERYTHING ? Number.POSITIVE_INFINITY : 8;

test("a patched table says what a new one says", async () => {
  let patches = 0;
  let tables = 0;
  const work: FollowWork = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  await fc.assert(
    fc.asyncProperty(cluster, cluster, fc.boolean(), fc.integer(), async (first, other, isToldOfObjects, seed) => {
      const pick = numbersFrom(seed);
      const settings = { config: { ...toConfig(first.proxy), mode: first.mode }, strict: false, source: "", work };
      const sources = new Map(
        (first.objects as readonly NamedManifest[]).map((each) => [
          nameOf(each),
          { name: nameOf(each), text: JSON.stringify(each) },
        ]),
      );
      const followed = new TableFollower(new Map(sources), settings, []);
      fc.pre(followed.table !== undefined);
      const classifier = await createClassifier(followed.table as Uint8Array);
      for (const changes of [...changesOf(first, other, pick)].slice(0, MOST_CHANGES)) {
        const { patch, table, diagnostics } = isToldOfObjects
          ? followed.updateObjects(changes.map(eventOf))
          : followed.update(changes);
        if (patch === undefined && table === undefined) {
          expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
          continue;
        }
        for (const { name, text } of changes) {
          if (text === undefined) sources.delete(name);
          else sources.set(name, { name, text });
        }
        const wanted = tableOfRules([...sources.values()], settings);
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

test("a table that is made by form says what the rules of all Services say", () => {
  const work: FollowWork = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  let ports = 0;
  fc.assert(
    fc.property(cluster, ({ proxy, mode, objects }) => {
      const settings = { config: { ...toConfig(proxy), mode }, strict: false, source: "", work };
      const sources = new Map<string, Source>();
      for (const object of withTwins(objects as readonly NamedManifest[]))
        sources.set(nameOf(object), { name: nameOf(object), text: JSON.stringify(object) });
      const { base } = buildBase([...sources.values()], settings);
      fc.pre(base !== undefined);
      ports += base.ports.IPv4 + base.ports.IPv6;
      expect(saidBy(base.table.bytes)).toEqual(saidBy(tableOfRules([...sources.values()], settings)));
    }),
    { numRuns: runs(160) },
  );
  // Of many of these clusters Services meet: then all are walked. A few runs may have no others.
  if (EVERYTHING) expect(work.walked).toBeLessThan(ports);
});

/** What a part says, without its numbers. */
function saidByPart({ behaviours, endpointTreatments, families }: TablePart): unknown {
  const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);
  const said = (value: object): string =>
    JSON.stringify(value, (key, each: unknown) => {
      if (["behaviour", "new", "invalid", "untracked"].includes(key)) return behaviours[each as number];
      return key === "endpointTreatment" ? (endpointTreatments[each as number] ?? null) : plain(key, each);
    });
  return Object.values(families).map((parts) => Object.values(parts).map((each) => each.map(said).sort()));
}

test("rows of a Service of a known form are those that its rules give", () => {
  const work: FollowWork = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  let exchanged = 0;
  fc.assert(
    fc.property(cluster, ({ proxy, mode, objects }) => {
      const settings = { config: { ...toConfig(proxy), mode }, strict: false, source: "", work };
      const source = (object: Manifest): Source => ({
        name: nameOf(object as NamedManifest),
        text: JSON.stringify(object),
      });
      const { base } = buildBase(objects.map(source), settings);
      fc.pre(base !== undefined);
      const byService = new Map<string, NamedManifest[]>();
      for (const object of objects as readonly NamedManifest[]) {
        const service = serviceOf(object);
        if (service !== undefined) byService.set(service, [...(byService.get(service) ?? []), object]);
      }
      for (const by of [0, 97, 161, 1003])
        for (const own of byService.values()) {
          const sources = own.map((object) => source(by === 0 ? object : twinOf(object, by)));
          const specs = loadSpecs(sources, () => undefined);
          const before = work.tabulated;
          const found = base?.partOf(specs);
          if (found === undefined) continue;
          if (work.tabulated === before && specs.services.length > 0) exchanged++;
          const forms = vi.spyOn(ServiceForms.prototype, "formOf").mockReturnValue(undefined);
          const wanted = base?.partOf(specs);
          forms.mockRestore();
          expect(wanted && saidByPart(wanted.part)).toEqual(saidByPart(found.part));
        }
    }),
    { numRuns: runs(80) },
  );
  expect(exchanged).toBeGreaterThan(0);
});
