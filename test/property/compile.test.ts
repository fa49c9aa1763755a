import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { printIr } from "../../compiler/formats/ir/print.ts";
import { printElementOf } from "../../compiler/formats/nft/print-sets.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type ClusterInput, cluster, type Manifest } from "../support/arbitraries.ts";
import { compileCluster, mustCompile, printIptables, printNft, toConfig } from "../support/compile.ts";
import { denseCluster } from "../support/dense.ts";
import { textsThatDiffer } from "../support/every-text.ts";
import { packetsAtSomeServices } from "../support/packets.ts";
import { EVERYTHING, runs } from "../support/runs.ts";

/** All texts of a program. */
function printAll(program: Program): string[] {
  return [printNft(program), printIptables(program, "ip"), printIptables(program, "ip6"), printIr(program)];
}

test("the order of documents, and how they are spread over files, makes no difference", () => {
  const shuffled = cluster.chain((world) =>
    fc.tuple(fc.constant(world), fc.shuffledSubarray([...world.objects], { minLength: world.objects.length })),
  );
  fc.assert(
    fc.property(shuffled, ([world, objects]) => {
      const sources = objects.map((object, i) => ({ name: `${i}.json`, text: JSON.stringify(object) }));
      const { compiled } = compile(sources, { ...toConfig(world.proxy), mode: world.mode });
      expect(compiled && printAll(compiled.program)).toEqual(printAll(mustCompile(world).program));
    }),
    { numRuns: runs(60) },
  );
});

test.runIf(EVERYTHING)("hundreds of ports have words in every text, which do what the program does", async () => {
  await fc.assert(
    fc.asyncProperty(denseCluster, async (world) => {
      expect(await textsThatDiffer(mustCompile(world), packetsAtSomeServices(world, 60))).toEqual([]);
    }),
    { numRuns: runs(8) },
  );
});

/** All elements of sets and maps, as text. */
function elementsOf({ ruleset }: Program): Set<string> {
  return new Set(
    ruleset.tables.flatMap(({ family, sets, maps }) =>
      [...sets, ...maps].flatMap((declaration) =>
        declaration.elements.map((element) => `${family} ${declaration.name} ${printElementOf(element, declaration)}`),
      ),
    ),
  );
}

const OF_ENDPOINTS = /^(?:pick-|remember-|free-register)/;

/** The chains that do not depend on endpoints: neither on their number, nor on session affinity, which needs one. */
function fixedChains({ ruleset }: Program): string[] {
  return ruleset.tables.flatMap(({ family, chains }) =>
    chains.filter(({ name }) => !OF_ENDPOINTS.test(name)).map(({ name }) => `${family} ${name}`),
  );
}

type Slice = Manifest & { readonly addressType: "IPv4" | "IPv6"; readonly endpoints: readonly Manifest[] };

function isSlice(object: Manifest): object is Slice {
  return object["kind"] === "EndpointSlice";
}

function serviceOf(object: Manifest): unknown {
  const { name, namespace, labels } = object["metadata"] as {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
  };
  return `${namespace}/${isSlice(object) ? labels?.["kubernetes.io/service-name"] : name}`;
}

/** The same cluster with one endpoint more in `slice`. */
function withEndpoint(world: ClusterInput, slice: Slice): ClusterInput {
  const address = slice.addressType === "IPv4" ? "10.180.5.5" : "fd00:10:180::5:5";
  const grown = {
    ...slice,
    endpoints: [...slice.endpoints, { addresses: [address], conditions: { ready: true }, nodeName: "node-a" }],
  };
  return { ...world, objects: world.objects.map((object) => (object === slice ? grown : object)) };
}

test("one endpoint's change alters only elements of its own Service", () => {
  fc.assert(
    fc.property(cluster, fc.nat(), (world, choice) => {
      const slices = world.objects.filter(isSlice);
      const slice = slices[choice % Math.max(slices.length, 1)];
      const conflicts = compileCluster(world).diagnostics.some(({ code }) => code === "address-conflict");
      fc.pre(slice !== undefined && !conflicts);
      const before = mustCompile(world).program;
      const after = mustCompile(withEndpoint(world, slice)).program;
      const others = elementsOf(
        mustCompile({ ...world, objects: world.objects.filter((object) => serviceOf(object) !== serviceOf(slice)) })
          .program,
      );
      const [old, now] = [elementsOf(before), elementsOf(after)];
      const changed = [...old]
        .filter((element) => !now.has(element))
        .concat([...now].filter((element) => !old.has(element)));
      expect(changed.filter((element) => others.has(element))).toEqual([]);
      expect(fixedChains(after)).toEqual(fixedChains(before));
    }),
    { numRuns: runs(150) },
  );
});

test("the number of chains and rules does not grow with Services", () => {
  const service = (i: number): Manifest[] => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${i}`, namespace: "a" },
      spec: {
        type: "LoadBalancer",
        clusterIP: `10.96.${i >> 8}.${i & 255}`,
        externalTrafficPolicy: i % 2 === 0 ? "Local" : "Cluster",
        sessionAffinity: "ClientIP",
        loadBalancerSourceRanges: ["203.0.113.0/24"],
        ports: [{ port: 80, nodePort: 30000 + i }],
      },
      status: { loadBalancer: { ingress: [{ ip: `198.51.${i >> 8}.${i & 255}` }] } },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `s${i}-1`, namespace: "a", labels: { "kubernetes.io/service-name": `s${i}` } },
      addressType: "IPv4",
      endpoints: [0, 1, 2].map((n) => ({
        addresses: [`10.1.${i >> 8}.${i & 255}`.replace(/\d+$/, String((i * 3 + n) & 255))],
        nodeName: n === 0 ? "n" : "m",
      })),
      ports: [{ name: "", port: 8080 }],
    },
  ];
  const sizes = [2, 200].map((count) => {
    const objects = Array.from({ length: count }, (_, i) => service(i)).flat();
    const { compiled } = compile(
      [{ name: "x", text: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }) }],
      { nodeName: "n" },
    );
    const [table] = compiled?.program.ruleset.tables ?? [];
    return [table?.chains.length, table?.chains.reduce((sum, { rules }) => sum + rules.length, 0)];
  });
  expect(sizes[1]).toEqual(sizes[0]);
});
