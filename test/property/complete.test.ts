import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { numberOf } from "../../compiler/complete/choose.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../compiler/evaluate/packet.ts";
import { printIr } from "../../compiler/formats/ir/print.ts";
import { PROTOCOL_NUMBERS } from "../../compiler/net/protocol.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { manifestsAsWritten } from "../support/arbitrary-manifests.ts";
import { toText } from "../support/compile.ts";
import { completeText, valuesOf } from "../support/complete.ts";
import { runs } from "../support/runs.ts";

const valuesIn = (objects: readonly Manifest[]): ReadonlyMap<string, string> =>
  valuesOf(completeText(toText(objects)).specs);

const nameIn = (object: Manifest): string => String((object["metadata"] as Manifest)["name"]);

test("the order of documents, and how they are spread over files, makes no difference", () => {
  const shuffled = manifestsAsWritten.chain((objects) =>
    fc.tuple(fc.constant(objects), fc.shuffledSubarray([...objects], { minLength: objects.length })),
  );
  fc.assert(
    fc.property(shuffled, ([objects, others]) => {
      expect(new Map([...valuesIn(others)].sort())).toEqual(new Map([...valuesIn(objects)].sort()));
      const sources = others.map((object, i) => ({ name: `${i}.json`, text: JSON.stringify(object) }));
      const printed = [[{ name: "all.json", text: toText(objects) }], sources].map((texts) => {
        const { compiled } = compile(texts, {});
        return compiled && printIr(compiled.program);
      });
      expect(printed[0]).toBeDefined();
      expect(printed[1]).toBe(printed[0]);
    }),
    { numRuns: runs(60) },
  );
});

test("an object that comes or goes changes nothing of the others, unless two want the same number first", () => {
  let compared = 0;
  fc.assert(
    fc.property(manifestsAsWritten, fc.nat(), (objects, pick) => {
      const gone = objects[pick % objects.length];
      const rest = objects.filter((object) => object !== gone && nameIn(object) !== nameIn(gone ?? {}));
      const [before, after] = [valuesIn(rest), valuesIn(objects)];
      for (const [key, value] of before) {
        // First tries: behind the first 256 addresses of 10.96.0.0/16, and behind those of the bridge and the network.
        const cluster = / 4$/.test(key) && !key.startsWith("pod ");
        const isUnrivalled = (all: ReadonlyMap<string, string>): boolean => {
          const tries = [...all.keys()]
            .filter((other) => / 4$/.test(other) && other.startsWith("pod ") !== cluster)
            .map((other) => firstTry(other));
          return tries.filter((number) => number === firstTry(key)).length === 1;
        };
        if (!/ 4$/.test(key) || !isUnrivalled(after)) continue;
        expect([key, after.get(key)]).toEqual([key, value]);
        compared++;
      }
    }),
    { numRuns: runs(60) },
  );
  expect(compared).toBeGreaterThan(runs(100));
});

/** The number that is tried first for an IPv4 address: of `pod NAMESPACE/NAME 4`, or of the Service `NAMESPACE/NAME 4`. */
function firstTry(key: string): number {
  const name = key.replace(/^pod | 4$/g, "");
  return key.startsWith("pod ") ? numberOf(name, 0, 65536 - 3) : numberOf(`${name} IPv4`, 0, 65536 - 2 - 256);
}

test("no address and no node port is given twice", () => {
  fc.assert(
    fc.property(manifestsAsWritten, (objects) => {
      const { specs } = completeText(toText(objects));
      const addresses = [
        ...specs.services.flatMap(({ clusterIps }) => clusterIps.map(({ value }) => value)),
        ...specs.pods.filter(({ hostNetwork }) => !hostNetwork).flatMap(({ podIps }) => podIps),
      ];
      expect(new Set(addresses).size).toBe(addresses.length);
      const ports = specs.services.flatMap(({ meta, ports: own, healthCheckNodePort }) => [
        ...new Map(own.map(({ port, nodePort }) => [port, nodePort?.value])).values(),
        ...(healthCheckNodePort === undefined ? [] : [healthCheckNodePort.value]),
        ...(meta.name === "" ? [0] : []),
      ]);
      const given = ports.filter((port) => port !== undefined);
      expect(new Set(given).size).toBe(given.length);
    }),
    { numRuns: runs(60) },
  );
});

test("objects of a server come out as they went in", () => {
  fc.assert(
    fc.property(manifestsAsWritten, (objects) => {
      const live = objects.map((object) => ({
        ...object,
        metadata: { ...(object["metadata"] as Manifest), uid: `uid-${nameIn(object)}` },
      }));
      const { assumed, specs, findings } = completeText(toText(live));
      expect([assumed, findings]).toEqual([[], []]);
      expect(specs.pods.every((pod) => pod.assumed.length === 0)).toBe(true);
    }),
    { numRuns: runs(30) },
  );
});

test("completed objects compile, and what a Service's port is sent reaches its Pods", () => {
  let delivered = 0;
  fc.assert(
    fc.property(manifestsAsWritten, (objects) => {
      const { compiled, diagnostics } = compile([{ name: "all.json", text: toText(objects) }], {});
      expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      if (compiled === undefined) return;
      const { program, node, specs } = compiled;
      const evaluator = new Evaluator(program);
      for (const service of specs.services) {
        const selected = specs.pods.filter(
          (pod) =>
            pod.meta.namespace === service.meta.namespace &&
            service.selector !== undefined &&
            [...service.selector].every(([key, value]) => pod.meta.labels.get(key) === value),
        );
        for (const { value } of service.clusterIps) {
          const family = typeof value;
          const wanted = new Set(
            selected.flatMap(({ podIps }) => podIps.filter((address) => typeof address === family)),
          );
          for (const { port, protocol } of service.ports) {
            const packet = {
              protocol: PROTOCOL_NUMBERS[protocol],
              source: typeof value === "number" ? (3405803777 as typeof value) : ((value ^ 1n) as typeof value),
              sourcePort: 40000,
              destination: value,
              destinationPort: port,
              inInterface: "eth0",
              mark: 0,
            };
            const [outcome] = evaluator.evaluateWhole(packet, environmentOf(node.addresses));
            expect([service.meta.name, outcome?.verdict]).toEqual([
              service.meta.name,
              wanted.size === 0 ? "reject" : "dnat",
            ]);
            expect(new Set(outcome?.endpoints.map(({ address }) => address))).toEqual(wanted);
            delivered += wanted.size;
          }
        }
      }
    }),
    { numRuns: runs(60) },
  );
  expect(delivered).toBeGreaterThan(runs(100));
});
