import { describe, expect, test } from "vitest";
import * as L from "../../assembly/layout.ts";
import { checksumOf } from "../../compiler/formats/tables/bytes.ts";
import { VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import { engineBytes } from "../../runtime/classifier/inline.ts";
import { Matcher } from "../../runtime/classifier/matcher.ts";
import type { ClusterInput, Manifest } from "../support/arbitraries.ts";
import { type Findings, soakCluster } from "../support/classifier-soak.ts";

/** A Service that sticks, with source ranges, and one that does neither; both have node ports. */
const WORLD: ClusterInput = {
  mode: "nftables",
  proxy: {
    nodeName: "node-a",
    nodeIP: "192.168.0.2",
    nodeIPs: ["192.168.0.2", "2001:db8::1"],
    detectLocalMode: "ClusterCIDR",
    clusterCIDR: ["10.180.0.0/16"],
    serviceCIDRs: ["172.30.0.0/16"],
    nodePortAddresses: "default",
    localhostNodePorts: false,
    masqueradeAll: false,
  },
  objects: [
    ...service("ranged", "172.30.0.41", 30001, ["10.180.0.1", "10.180.2.1", "10.180.2.2"], {
      loadBalancerSourceRanges: ["203.0.113.0/28"],
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    }),
    ...service("plain", "172.30.0.42", 30002, ["10.180.0.2", "10.180.9.9"], {}),
  ],
};

function service(name: string, ip: string, nodePort: number, endpoints: readonly string[], spec: Manifest): Manifest[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: {
        type: "LoadBalancer",
        clusterIP: ip,
        clusterIPs: [ip],
        ipFamilies: ["IPv4"],
        ports: [{ port: 80, protocol: "TCP", nodePort }],
        ...spec,
      },
      status: { loadBalancer: { ingress: [{ ip: name === "ranged" ? "192.0.2.10" : "192.0.2.11" }] } },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: endpoints.map((address) => ({ addresses: [address] })),
      ports: [{ name: "", port: 8080, protocol: "TCP" }],
    },
  ];
}

/** A table that is changed word by word. */
class Damaged {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  word(at: number): number {
    return this.view.getUint32(at, true);
  }

  change(at: number, change: (before: number) => number): void {
    this.view.setUint32(at, change(this.word(at)), true);
  }

  /** Where the records of a section begin that `test` holds for. */
  places(section: number, count: number, size: number, test: (at: number) => boolean = () => true): number[] {
    const start = this.word(section);
    return Array.from({ length: count }, (_, i) => start + i * size).filter(test);
  }

  /** Codes of packets that are translated. */
  get translating(): number[] {
    const kinds = this.word(L.H_INTERFACE_CLASS_COUNT) * this.word(L.H_BEHAVIOUR_COUNT);
    return this.places(L.H_CODES, kinds << 4, 4, (at) => (this.word(at) & L.VERDICT_MASK) === L.VERDICT_DNAT);
  }

  /** Entries of rows that are not extended. */
  get rows(): number[] {
    const first = (at: number): number => this.word(at + L.ENTRY_ROW1) & L.ROW1_COUNT_MASK;
    return this.places(L.H_ENTRIES, this.word(L.H_SLOT_MASK) + 1, L.ENTRY_BYTES, (at) => first(at) > 1);
  }

  get endpoints(): number[] {
    return this.places(L.H_ENDPOINTS4, this.word(L.H_ENDPOINTS4_COUNT), L.ENDPOINT4_BYTES);
  }

  /** Makes the table one that the engine takes. */
  seal(): void {
    this.view.setUint32(L.H_CHECKSUM, checksumOf(this.bytes, L.H_SEED), true);
  }
}

const DAMAGES: Readonly<Record<string, (table: Damaged) => void>> = {
  "one code that masquerades the wrong way": (table) => {
    const [row] = table.rows;
    const behaviour = table.word((row as number) + L.ENTRY_ROW1) >>> L.ROW1_BEHAVIOUR_SHIFT;
    const ofOthers = table.word(L.H_CODES) + ((table.word(L.H_BEHAVIOUR_COUNT) + behaviour) << L.CODES_SHIFT);
    table.change(ofOthers, (code) => code ^ L.MASQUERADE); // the first kind of source: strangers
  },
  "codes that forget the hairpin": (table) => {
    for (const at of table.translating) table.change(at, (code) => code & ~L.CODE_HAIRPIN);
  },
  "codes that forget that clients stick": (table) => {
    for (const at of table.translating) table.change(at, (code) => code & ~L.STICKY);
  },
  "endpoints of two Services swapped": (table) => {
    const [first, last] = [table.endpoints.at(0) as number, table.endpoints.at(-1) as number];
    const [one, other] = [table.word(first), table.word(last)];
    table.change(first, () => other);
    table.change(last, () => one);
  },
  "an endpoint at another port": (table) =>
    table.change((table.endpoints[0] as number) + L.ENDPOINT4_PORT, (port) => port ^ 1),
  "a list that lacks its last endpoint": (table) => {
    const [row] = table.rows;
    table.change((row as number) + L.ENTRY_ROW1, (word) => word - 1);
  },
  "a list that ends one endpoint too late": (table) => {
    const [row] = table.rows;
    table.change((row as number) + L.ENTRY_ROW0, (base) => base - 1);
  },
  "a source range that is one address wider": (table) => table.change(table.word(L.H_ALLOWED) + 4, (last) => last + 1),
  "a source range that is one address narrower": (table) => table.change(table.word(L.H_ALLOWED), (first) => first + 1),
  "another timeout": (table) => {
    for (const at of table.places(L.H_ABOUT, table.word(L.H_SLOT_MASK) + 1, L.ABOUT_BYTES))
      table.change(at + L.ABOUT_SECONDS, (seconds) => (seconds === 0 ? 0 : seconds + 1));
  },
  "no address of the node": (table) => {
    for (const at of table.places(L.H_LOCAL, table.word(L.H_LOCAL_MASK) + 1, L.LOCAL_BYTES))
      table.change(at + L.LOCAL_KEY0, (key) => ~key);
  },
  "pods that are not detected": (table) => table.change(table.word(L.H_DETECTED4), (prefix) => prefix ^ 1),
};

function soak(damage: (table: Damaged) => void): Findings {
  const matcher = new Matcher(new WebAssembly.Module(engineBytes()));
  return soakCluster(WORLD, matcher, 1, { questions: 1500, each: 16 }, (bytes) => {
    const table = new Damaged(bytes);
    damage(table);
    table.seal();
  });
}

describe("the classifier's soak", () => {
  test("finds nothing wrong with a table that is right", () => {
    const { packets, verdicts, examples } = soak(() => undefined);
    expect(examples).toEqual([]);
    expect(packets).toBeGreaterThan(30_000);
    expect(VERDICT_NAMES.filter((_, i) => verdicts[i] === 0)).toEqual(["accept"]); // a word of iptables mode
  });

  test.each(Object.entries(DAMAGES))("notices %s", (_, damage) => {
    const { mismatches, examples } = soak(damage);
    expect(mismatches).toBeGreaterThan(0);
    for (const { wanted, found } of examples) expect(found).not.toEqual(wanted);
  });
});
