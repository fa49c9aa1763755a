import fc from "fast-check";
import { expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { causeByOthers } from "../../compiler/verify/causes.ts";
import { Culprits } from "../../compiler/verify/culprits.ts";
import { onlyServiceTraffic } from "../../compiler/verify/others.ts";
import { serviceRulesOf } from "../../compiler/verify/service-rules.ts";
import { refusalCause } from "../../compiler/verify/services/cause.ts";
import { type ServiceChange, ServiceChanges } from "../../compiler/verify/services/changes.ts";
import { frontendsIn } from "../../compiler/verify/services/frontends.ts";
import { changesToData } from "../../compiler/verify/services/render.ts";
import { ServiceNames } from "../../compiler/verify/services/service-names.ts";
import type { ClusterInput, Manifest } from "../support/arbitraries.ts";
import { mustCompile, printIptables, printNft } from "../support/compile.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { EVERYTHING, some } from "../support/runs.ts";
import { webCluster } from "../support/tables.ts";

/** A Service of the cluster: endpoints that no other one has. */
interface Served {
  readonly name: string;
  readonly clusterIP: string;
  readonly endpoints: readonly string[];
  readonly port: number;
}

const served: fc.Arbitrary<readonly Served[]> = fc
  .array(fc.record({ count: fc.integer({ min: 1, max: 3 }), port: fc.integer({ min: 1, max: 60000 }) }), {
    minLength: 2,
    maxLength: 4,
  })
  .map((services) =>
    services.map(({ count, port }, i) => ({
      name: `s${i}`,
      clusterIP: `10.96.0.${i + 10}`,
      endpoints: Array.from({ length: count }, (_, j) => `10.244.${i + 1}.${j + 1}`),
      port,
    })),
  );

function clusterOf(services: readonly Served[]): ClusterInput {
  const [first, ...rest] = services.map(({ name, clusterIP, endpoints, port }) => {
    const cluster = webCluster(endpoints, { clusterIP, clusterIPs: [clusterIP], ports: [{ name: "http", port }] });
    const objects = JSON.parse(JSON.stringify(cluster.objects).replace(/"web(?=[-"])/g, `"${name}`)) as Manifest[];
    return { ...cluster, objects };
  });
  if (first === undefined) throw new Error("no Services");
  return { ...first, objects: [first, ...rest].flatMap(({ objects }) => objects) };
}

type Form = "nft" | "iptables";

/** The host that was right when its rules were loaded, with rules of others in front. */
function hostOf(cluster: ClusterInput, form: Form, others: Program | undefined): Program {
  const { program } = mustCompile(cluster);
  const own = form === "nft" ? mustReadNft(printNft(program)) : mustReadIptables(printIptables(program, "ip"));
  return { ruleset: { tables: [...(others?.ruleset.tables ?? []), ...own.ruleset.tables] }, routes: [] };
}

/** What `kpc verify` finds. */
function verify(wanted: ClusterInput, host: Program): ServiceChange[] {
  const { program, node } = mustCompile(wanted);
  const { addresses } = node;
  const rules = serviceRulesOf(host, []);
  const options = { addresses, families: ["IPv4" as const], unmarked: true };
  const names = new ServiceNames(frontendsIn(program), addresses);
  const changes = new ServiceChanges({ left: names, right: new ServiceNames(frontendsIn(rules.own), addresses) });
  const whereOf = (): string => "elsewhere";
  for (const region of compare(program, rules.own, options).regions)
    changes.add(region, refusalCause(region, ["right"]), whereOf);
  if (rules.others.length > 0) {
    const all = compare(rules.own, rules.whole, { ...options, firstOnly: true });
    const culprits = new Culprits(rules, addresses);
    for (const region of onlyServiceTraffic(all, rules, names.nameOf, addresses).comparison.regions)
      changes.add(region, causeByOthers(region, culprits), whereOf, { isWithin: "right" });
  }
  return changes.all().filter(({ service }) => service !== undefined);
}

interface Damage {
  readonly cluster: ClusterInput;
  readonly others?: readonly string[];
  readonly expected: object;
}

const DAMAGES: Readonly<Record<string, (services: readonly Served[], at: Served) => Damage>> = {
  "an endpoint is gone": (services, at) => {
    const [gone, ...rest] = at.endpoints;
    const endpoints = rest.length > 0 ? rest : ["10.244.99.9"];
    const extra = rest.length > 0 ? [] : ["10.244.99.9:8080"];
    return {
      cluster: clusterOf(services.map((each) => (each === at ? { ...at, endpoints } : each))),
      expected: { change: "changed", endpoints: { missing: [`${gone}:8080`], extra } },
    };
  },
  "a port is another one": (services, at) => ({
    cluster: clusterOf(services.map((each) => (each === at ? { ...at, port: at.port + 1 } : each))),
    expected: {
      change: "changed",
      ports: { missing: [`${at.clusterIP}:${at.port}/tcp`], extra: [`${at.clusterIP}:${at.port + 1}/tcp`] },
    },
  }),
  "a Service is missing": (services, at) => ({
    cluster: clusterOf(services.filter((each) => each !== at)),
    expected: { change: "missing", ports: { missing: [`${at.clusterIP}:${at.port}/tcp`] } },
  }),
  "a rule drops it": (services, at) => ({
    cluster: clusterOf(services),
    others: ["*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -d 10.9.9.9/32 -j ACCEPT", drop(at), "COMMIT"],
    expected: { change: "changed", causes: [{ effect: dropped(at), rules: ["4"] }] },
  }),
  "a chain that is jumped to drops it": (services, at) => ({
    cluster: clusterOf(services),
    others: [
      ...["*filter", ":FORWARD ACCEPT [0:0]", ":OFFICE - [0:0]", "-A FORWARD -j OFFICE"],
      ...[drop(at).replace("FORWARD", "OFFICE"), "COMMIT"],
    ],
    expected: { change: "changed", causes: [{ effect: dropped(at), rules: ["5"], way: "by way of line 4 of dump" }] },
  }),
  "two rules drop it": (services, at) => ({
    cluster: clusterOf(services),
    others: [
      ...["*mangle", ":FORWARD ACCEPT [0:0]", drop(at), "COMMIT"],
      ...["*filter", ":FORWARD ACCEPT [0:0]", drop(at), "COMMIT"],
    ],
    expected: { change: "changed", causes: [{ effect: dropped(at), rules: ["3", "7"] }] },
  }),
};

/** What the rule of `drop` does: to one of the endpoints only. */
function dropped({ endpoints }: Served): string {
  return endpoints.length > 1 ? "drops part of it" : "drops it";
}

function drop({ endpoints }: Served): string {
  return `-A FORWARD -d ${endpoints[0]}/32 -p tcp -m tcp --dport 8080 -j DROP`;
}

const numbersOf = ({ causes }: ServiceChange): object[] =>
  causes.map(({ effect, rules, way }) => ({
    ...{ effect, way },
    rules: rules.map((rule) => {
      if (typeof rule === "string") return rule;
      const span = rule.origin?.span();
      return String(span?.source.text.slice(0, span.start).split("\n").length);
    }),
  }));

test.each(some(Object.entries(DAMAGES), 2))("where %s, that Service is named, and by what", (_, damage) => {
  const property = fc.property(served, fc.nat(), fc.constantFrom<Form>("nft", "iptables"), (services, index, form) => {
    const at = services[index % services.length] as Served;
    const { cluster, others, expected } = damage(services, at);
    const foreign = others === undefined ? undefined : mustReadIptables(`${others.join("\n")}\n`, "ip");
    const found = verify(clusterOf(services), hostOf(cluster, form, foreign));
    expect(found.map(({ service }) => service)).toEqual([`default/${at.name}:http`]);
    const { services: rows } = changesToData({
      ...{ changes: found, names: new Map(), limit: 9, unseen: 0 },
      legend: { left: "", right: "", arrow: "" },
    }) as { services: [object] };
    expect({ ...rows[0], causes: numbersOf(found[0] as ServiceChange) }).toMatchObject(expected);
  });
  fc.assert(property, { numRuns: EVERYTHING ? 12 : 1 });
});
