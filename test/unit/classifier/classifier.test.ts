import { describe, expect, test } from "vitest";
import * as L from "../../../assembly/layout.ts";
import { createClassifier, packetFrom, TableError } from "../../../runtime/classifier/inline.ts";
import { EVERYTHING, some } from "../../support/runs.ts";
import { mustPrintTable, webCluster } from "../../support/tables.ts";

const TEN = Array.from({ length: 10 }, (_, i) => `10.244.1.${i + 1}`);
const STICKY = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } } };

function toWeb(sourcePort: number, source = "10.244.9.9") {
  return { protocol: "tcp", source, sourcePort, destination: "10.96.0.1", destinationPort: 80 } as const;
}

describe("one packet", () => {
  test("is classified from fields as from bytes", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(["10.244.1.7"])));
    const wanted = {
      verdict: "dnat",
      service: "default/web:http",
      endpoint: { address: "10.244.1.7", port: 8080 },
      masquerade: false,
    };
    expect(classifier.classify(toWeb(1000))).toEqual(wanted);
    expect(classifier.classify(packetFrom(toWeb(1000)))).toEqual(wanted);
    expect(classifier.classify({ ...toWeb(1000), protocol: "TCP" })).toEqual(wanted);
  });

  test("is masqueraded when the endpoint sends it to itself", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(["10.244.1.7"])));
    expect(classifier.classify(toWeb(1000, "10.244.1.7")).masquerade).toBe(true);
  });

  test("is explained", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    const { endpoints, reason, service } = classifier.explain(toWeb(1000));
    expect(endpoints).toEqual(TEN.map((address) => ({ address, port: 8080 })));
    expect(reason).toContain("cluster IPs");
    expect(service).toBe("default/web:http");
  });

  test("is refused where a Service has no such port", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    const refused = classifier.classify({ ...toWeb(1000), destinationPort: 81 });
    expect(refused).toEqual({ verdict: "reject", rejectWith: "port-unreachable", masquerade: false });
  });

  test.each([
    [new Uint8Array(), "malformed"],
    [new Uint8Array(3), "malformed"],
    [packetFrom(toWeb(1)).subarray(0, 30), "malformed"], // shorter than it says
    [
      Uint8Array.of(0x45, 0, 0, 40, 0, 0, 0x20, 4, 64, 6, 0, 0, 10, 0, 0, 1, 10, 96, 0, 1, ...new Uint8Array(20)),
      "fragment",
    ],
  ])("that is none has a verdict of its own (%#)", async (bytes, verdict) => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    expect(classifier.classify(bytes)).toEqual({ verdict, masquerade: false });
  });

  test.each([
    [{ ...toWeb(1), source: "10.0.0" }, 'packet.source: expected an IP address, found "10.0.0"'],
    [
      { ...toWeb(1), source: "::1" },
      "packet.source and packet.destination: expected two addresses of one family, found ::1 and 10.96.0.1",
    ],
    [{ ...toWeb(1), destinationPort: 65536 }, "packet.destinationPort: expected a number from 0 to 65535, found 65536"],
    [
      { ...toWeb(1), protocol: "tpc" as "tcp" },
      'packet.protocol: expected tcp, udp, sctp or a number from 0 to 255, found "tpc"',
    ],
  ])("that cannot be is refused with a word (%#)", async (fields, message) => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    expect(() => classifier.classify(fields)).toThrow(new TypeError(message));
  });
});

describe("endpoints", () => {
  /** How often each of `endpoints` is taken by `flows` flows. */
  async function countChoices(choose: "flow" | "random" | "consistent", flows: number): Promise<Map<string, number>> {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state / 2 ** 32;
    };
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)), { choose, random });
    const counts = new Map<string, number>();
    for (let i = 0; i < flows; i++) {
      const { endpoint } = classifier.classify(toWeb(1024 + (i % 60000), `10.244.${i >>> 13}.${i & 255}`));
      const name = endpoint?.address ?? "none";
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  test.each(["flow", "random", "consistent"] as const)("get equal shares by %s", async (choose) => {
    const flows = EVERYTHING ? 50_000 : 2000;
    const counts = await countChoices(choose, flows);
    expect([...counts.keys()].sort()).toEqual([...TEN].sort());
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - flows / 10) ** 2 / (flows / 10), 0);
    expect(chiSquare).toBeLessThan(60); // nine degrees of freedom; the flows are always the same
  });

  test("of one flow stay the same", async () => {
    for (const choose of ["flow", "consistent"] as const) {
      const classifier = await createClassifier(mustPrintTable(webCluster(TEN)), { choose });
      for (let port = 1; port < 100; port++)
        expect(classifier.classify(toWeb(port))).toEqual(classifier.classify(toWeb(port)));
    }
  });

  test("that stay keep their flows when another goes, by consistent choice", async () => {
    for (const addresses of [TEN, TEN.map((address) => address.replace(/10\.244\.1\.(.*)/, "fd00:10:244::$1"))]) {
      const v6 = addresses[0]?.includes(":") === true;
      const ask = (port: number) =>
        v6 ? ({ ...toWeb(port, "fd00:10:244:9::9"), destination: "fd00:10:96::1" } as const) : toWeb(port);
      const before = await createClassifier(mustPrintTable(webCluster(addresses)), { choose: "consistent" });
      const gone = addresses[3];
      const rest = addresses.filter((address) => address !== gone);
      const after = await createClassifier(mustPrintTable(webCluster(rest)), { choose: "consistent" });
      const flows = EVERYTHING ? 5000 : 500;
      let moved = 0;
      for (let port = 1; port <= flows; port++) {
        const [old, now] = [before.classify(ask(port)).endpoint, after.classify(ask(port)).endpoint];
        if (old?.address === gone) moved++;
        else expect(now).toEqual(old);
      }
      expect(moved).toBeGreaterThan(flows * 0.07);
      expect(moved).toBeLessThan(flows * 0.13);
    }
  });

  test("are remembered for a client until the time is over", async () => {
    let now = 0;
    const table = mustPrintTable(webCluster(TEN, STICKY));
    const classifier = await createClassifier(table, { remember: true, now: () => now });
    const first = classifier.classify(toWeb(1));
    expect(first.affinity).toEqual({ key: "10.244.9.9 default/web:http", timeoutSeconds: 100 });
    for (let port = 2; port < 200; port++) {
      expect(classifier.classify(toWeb(port))).toEqual(first);
      now += 99; // each connection renews it
    }
    now += 100;
    const later = Array.from({ length: 50 }, (_, i) => {
      now += 100;
      return classifier.classify(toWeb(i + 2)).endpoint?.address;
    });
    expect(new Set(later).size).toBeGreaterThan(3);
  });

  test("are each client's own", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN, STICKY)), {
      remember: true,
      now: () => 0,
    });
    const clients = Array.from({ length: 50 }, (_, i) => `10.244.9.${i}`);
    const first = clients.map((client) => classifier.classify(toWeb(1, client)).endpoint);
    expect(clients.map((client) => classifier.classify(toWeb(2, client)).endpoint)).toEqual(first);
    expect(new Set(first.map((endpoint) => endpoint?.address)).size).toBeGreaterThan(3);
  });
});

describe("a batch", () => {
  test.each(["flow", "random", "consistent"] as const)(
    "has the results of its packets one by one (%s)",
    async (choose) => {
      const classifier = await createClassifier(mustPrintTable(webCluster(TEN)), { choose, random: () => 0.7 });
      const packets = Array.from({ length: 301 }, (_, i) => packetFrom({ ...toWeb(i), destinationPort: 79 + (i % 3) }));
      for (const [i, packet] of packets.entries()) {
        classifier.packets.fill(0, i * 64, i * 64 + 64);
        classifier.packets.set(packet, i * 64);
      }
      const result = classifier.classifyMany(packets.length);
      for (const [i, packet] of packets.entries())
        expect(classifier.read(result, i)).toEqual(classifier.classify(packet));
    },
  );

  test.each(some([2, 12, 30, 120], 2))("knows each of %i addresses of the node", async (count) => {
    const own = Array.from({ length: count }, (_, i) => `192.168.${i % 7}.${i + 2}`);
    const world = webCluster(TEN, { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] });
    const proxy = { ...world.proxy, nodeIPs: own, nodePortAddresses: ["192.168.0.0/16"] };
    const classifier = await createClassifier(mustPrintTable({ ...world, proxy }));
    // Each address has others around it: some are the node's, some are not.
    const destinations = [...own, ...own.map((_, i) => `192.168.${(i + 1) % 7}.${i + 2}`), "10.96.0.1", "8.8.8.8"];
    const fields = destinations.map((destination, i) => ({ ...toWeb(i), destination, destinationPort: 30080 }));
    for (const [i, each] of fields.entries()) {
      classifier.packets.fill(0, i * 64, i * 64 + 64);
      classifier.packets.set(packetFrom(each), i * 64);
    }
    const result = classifier.classifyMany(fields.length);
    for (const [i, each] of fields.entries()) {
      const verdict = own.includes(each.destination) ? "dnat" : each.destination === "10.96.0.1" ? "reject" : "pass";
      expect(classifier.read(result, i), each.destination).toMatchObject({ verdict });
      expect(classifier.classify(each)).toEqual(classifier.read(result, i));
    }
  });

  test.each([1, 3, 4, 5, 40])("finds IPv6 addresses of %i blocks", async (count) => {
    const externalIPs = Array.from({ length: count }, (_, i) => `2001:db8:${i + 1}::1`);
    const classifier = await createClassifier(mustPrintTable(webCluster(["fd00:10:244::7"], { externalIPs })));
    const destinations = [
      ...externalIPs,
      ...externalIPs.map((address) => address.replace("db8", "db9")),
      "fd00:10:96::1",
    ];
    // Neighbours in a batch have addresses of different blocks.
    const fields = Array.from({ length: 4 * destinations.length }, (_, i) => {
      const destination = destinations[(i * 7) % destinations.length] as string;
      return { protocol: "tcp", source: "2001:db8::9", sourcePort: i, destination, destinationPort: 80 } as const;
    });
    for (const [i, each] of fields.entries()) {
      classifier.packets.fill(0, i * 64, i * 64 + 64);
      classifier.packets.set(packetFrom(each), i * 64);
    }
    const result = classifier.classifyMany(fields.length);
    for (const [i, each] of fields.entries()) {
      const verdict = each.destination.includes("db9") ? "pass" : "dnat";
      expect(classifier.read(result, i), each.destination).toMatchObject({ verdict });
      expect(classifier.classify(each)).toEqual(classifier.read(result, i));
    }
  });

  test("is copied from slots", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    const slots = new Uint8Array(128);
    slots.set(packetFrom(toWeb(7)), 64);
    classifier.packets.fill(255);
    const result = classifier.classifyMany(slots.subarray(0, 64 + 40));
    expect(result.count).toBe(2);
    expect(classifier.read(result, 0).verdict).toBe("malformed");
    expect(classifier.read(result, 1)).toEqual(classifier.classify(toWeb(7)));
  });

  test("of more packets than it holds is refused", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(TEN)));
    expect(() => classifier.classifyMany(classifier.batchSize + 1)).toThrow(RangeError);
  });
});

describe("a table", () => {
  test("takes the place of another, all at once", async () => {
    const classifier = await createClassifier(mustPrintTable(webCluster(["10.244.1.1"])));
    for (let i = 2; i < (EVERYTHING ? 40 : 8); i++) {
      const many = Array.from({ length: i * 20 }, (_, k) => `10.244.${i}.${k % 250}`);
      classifier.replace(mustPrintTable(webCluster([...new Set(many)])));
      expect(classifier.classify(toWeb(1)).endpoint?.address).toMatch(new RegExp(`^10\\.244\\.${i}\\.`));
    }
  });

  test("that is none leaves the one before in use", async () => {
    const good = mustPrintTable(webCluster(["10.244.1.1"]));
    const classifier = await createClassifier(good);
    const damaged = mustPrintTable(webCluster(["10.244.1.2"]));
    damaged[400] = (damaged[400] as number) ^ 1;
    const other = good.slice();
    other[L.H_VERSION] = 99;
    const wrong: readonly (readonly [Uint8Array, string])[] = [
      [damaged, "the table is damaged: its checksum is another one"],
      [good.subarray(0, -4), "the table is cut off"],
      [new TextEncoder().encode("table ip kpc {}"), "this is no table of kpc"],
      [new Uint8Array(), "this is no table of kpc"],
      [other, "the table has another layout: expected version 2"],
    ];
    for (const [bytes, message] of wrong) {
      expect(() => classifier.replace(bytes)).toThrow(new TableError(message));
      expect(classifier.classify(toWeb(1)).endpoint).toEqual({ address: "10.244.1.1", port: 8080 });
    }
    await expect(createClassifier(damaged)).rejects.toThrow(TableError);
  });

  test("is the caller's: what becomes of its bytes later does not matter", async () => {
    const table = mustPrintTable(webCluster(["10.244.1.1"]));
    const classifier = await createClassifier(table);
    table.fill(0);
    expect(classifier.classify(toWeb(1)).endpoint).toEqual({ address: "10.244.1.1", port: 8080 });
  });
});
