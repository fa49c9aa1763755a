import fc from "fast-check";
import { expect, test } from "vitest";
import { bothTexts, meaningOf } from "../support/brief-and-json.ts";
import { runs } from "../support/runs.ts";

type Json = { [key: string]: unknown };

const protocol = fc.constantFrom("TCP", "UDP", "SCTP", undefined);
const portName = fc.constantFrom("", "http", "a", undefined);
const address = fc.constantFrom("10.180.0.1", "10.180.0.2", "10.9.0.1", "fd00::1", "fd00::2");

/** As API servers write them, of which some do not fit together. */
const service = fc.record({
  apiVersion: fc.constant("v1"),
  kind: fc.constant("Service"),
  metadata: fc.record(
    {
      name: fc.constant("web"),
      namespace: fc.constant("shop"),
      creationTimestamp: fc.constantFrom("2026-01-02T03:04:05Z", null),
      labels: fc.constant({ app: "web" }),
    },
    { requiredKeys: ["name"] },
  ),
  spec: fc
    .record({
      ips: fc.constantFrom(["172.30.0.1"], ["fd30::1"], ["172.30.0.1", "fd30::1"], ["fd30::1", "172.30.0.1"]),
      ports: fc.uniqueArray(
        fc.record({
          name: portName,
          protocol,
          port: fc.constantFrom(80, 443),
          targetPort: fc.constantFrom(8080, "web"),
        }),
        { selector: ({ name }) => name ?? "", minLength: 1, maxLength: 3 },
      ),
      internalTrafficPolicy: fc.constantFrom("Cluster", "Local", undefined),
      sessionAffinity: fc.constantFrom("None", undefined),
      publishNotReadyAddresses: fc.constantFrom(true, undefined),
      hasFamilies: fc.boolean(),
    })
    .map(({ ips, hasFamilies, ...rest }) => ({
      type: "ClusterIP",
      clusterIP: ips[0],
      clusterIPs: ips,
      ...(hasFamilies ? { ipFamilies: ips.map((ip) => (ip.includes(":") ? "IPv6" : "IPv4")) } : {}),
      ipFamilyPolicy: ips.length > 1 ? "PreferDualStack" : "SingleStack",
      ...rest,
    })),
  status: fc.constantFrom({ loadBalancer: {} }, undefined),
});

const hints = (of: fc.Arbitrary<string>): fc.Arbitrary<Json[]> =>
  fc.uniqueArray(of, { maxLength: 2 }).map((names) => names.map((name) => ({ name })));

const endpoint = fc.record(
  {
    addresses: address.map((each) => [each]),
    conditions: fc.record(
      { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
      { requiredKeys: [] },
    ),
    nodeName: fc.constantFrom("node-a", "node-b"),
    hints: fc.record(
      { forZones: hints(fc.constantFrom("zone-a", "Zone_B")), forNodes: hints(fc.constantFrom("node-a", "node-b")) },
      { requiredKeys: [] },
    ),
    zone: fc.constant("zone-a"),
  },
  { requiredKeys: ["addresses"] },
);

const slice = fc
  .record({
    family: fc.constantFrom("IPv4", "IPv6"),
    endpoints: fc.oneof({ weight: 9, arbitrary: fc.array(endpoint, { maxLength: 4 }) }, fc.constant(null)),
    ports: fc.uniqueArray(fc.record({ name: portName, protocol, port: fc.constantFrom(8080, 8443) }), {
      selector: ({ name }) => name ?? "",
      maxLength: 2,
    }),
  })
  .map(({ family, endpoints, ports }) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
    addressType: family,
    endpoints: endpoints?.filter(({ addresses: [each = ""] }) => each.includes(":") === (family === "IPv6")) ?? null,
    ports,
  }));

/** What a member may be instead. */
const odd = fc.constantFrom<unknown>(
  ...[
    undefined,
    null,
    "",
    "None",
    "-",
    "a b",
    "a,b",
    "a/b",
    "Web",
    "1web",
    "10.0.0.01",
    "::ffff:1.2.3.4",
    "127.0.0.1",
    "FD00::1",
  ],
  ...[
    "Local",
    "ClientIP",
    "LoadBalancer",
    "NodePort",
    "ExternalName",
    "IPv6",
    "FQDN",
    "DCCP",
    "tomorrow",
    "x".repeat(64),
  ],
  ...[0, -1, 1.5, 70000, 30080, true, [], {}, ["10.0.0.9"], [null], [{}], { name: "a" }],
);

/** Members that are not usual. */
const added = fc.constantFrom(
  ...["externalIPs", "nodePort", "appProtocol", "topology", "trafficDistribution", "externalTrafficPolicy"],
  ...["loadBalancer", "service.kubernetes.io/service-proxy-name", "ready", "labels", "constructor"],
);

interface Oddity {
  readonly place: number;
  readonly key: string | undefined;
  readonly value: unknown;
}

const oddity: fc.Arbitrary<Oddity> = fc.record({
  place: fc.nat(),
  key: fc.option(added, { nil: undefined }),
  value: odd,
});

/** A copy of which one member is another one, or one more is there. */
function withOddity(object: Json, { place, key, value }: Oddity): Json {
  const copy = structuredClone(object);
  const places: [Json, string][] = [];
  const walk = (at: unknown): void => {
    if (typeof at !== "object" || at === null) return;
    for (const each of Object.keys(at)) {
      places.push([at as Json, each]);
      walk((at as Json)[each]);
    }
  };
  walk(copy);
  const [holder, member] = places[place % places.length] as [Json, string];
  holder[Array.isArray(holder) ? member : (key ?? member)] = value;
  return copy;
}

const cluster = fc
  .record({ service, slices: fc.array(slice, { maxLength: 2 }) })
  .map(({ service: of, slices }): Json[] => [
    of,
    ...slices.map((each, i) => ({ ...each, metadata: { ...each.metadata, name: `web-${i}` } })),
  ]);

test("objects as API servers write them are brief, and mean what their JSON means", () => {
  let brief = 0;
  fc.assert(
    fc.property(cluster, (objects) => {
      const texts = bothTexts(objects);
      if (texts === undefined) return;
      brief += texts.kept.filter((text) => !text.startsWith("{")).length;
      expect(meaningOf(texts.kept)).toEqual(meaningOf(texts.json));
    }),
    { numRuns: runs(2000) },
  );
  expect(brief).toBeGreaterThan(runs(2000) / 2);
});

test("what is odd in an object is found as in its JSON", () => {
  let odd = 0;
  fc.assert(
    fc.property(cluster, fc.nat(), fc.array(oddity, { minLength: 1, maxLength: 2 }), (objects, which, oddities) => {
      const at = which % objects.length;
      const other = oddities.reduce(withOddity, objects[at] as Json);
      const texts = bothTexts(objects.with(at, other));
      if (texts === undefined) return;
      if (texts.kept[at]?.startsWith("{")) odd++;
      expect(meaningOf(texts.kept)).toEqual(meaningOf(texts.json));
    }),
    { numRuns: runs(4000) },
  );
  expect(odd).toBeGreaterThan(runs(4000) / 10);
});
