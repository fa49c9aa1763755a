import { describe, expect, test } from "vitest";
import { HEAD, mustReadDeclarations, readDeclarations } from "../../../support/exceptions.ts";

const FATES = "left: drop, right: pass";

describe("a file of expected differences", () => {
  test("says which packets, what becomes of them, and why", () => {
    const [declaration] = mustReadDeclarations(`
  - reason: as we want it
    family: IPv4
    protocol: [tcp, 47]
    inInterface: [eth0, "*", "veth*", null]
    ctState: new
    source: 10.0.0.0/8
    sourcePort: 1024-65535
    destination: [192.0.2.9, 192.0.2.1-192.0.2.8]
    destinationPort: [80, "443", 81]
    assumptions: [b, a]
    left: drop
    right: pass
`);
    expect(declaration).toMatchObject({
      reason: "as we want it",
      assumptions: ["a", "b"],
      where: {
        family: "IPv4",
        protocols: [6, 47],
        interfaces: ["eth0", "*", "veth*", null],
        ctStates: ["new"],
        ranges: {
          saddr: [{ from: 0x0a000000, to: 0x0affffff }],
          sport: [{ from: 1024, to: 65535 }],
          daddr: [{ from: 0xc0000201, to: 0xc0000209 }], // neighbours are one range
          dport: [
            { from: 80, to: 81 },
            { from: 443, to: 443 },
          ],
        },
      },
    });
  });

  test("means any packet by what it does not say, and a family by an address", () => {
    const [any, six] = mustReadDeclarations(`  - {${FATES}}\n  - {destination: "fd00::/8", ${FATES}}\n`);
    expect(any?.where).toEqual({
      family: undefined,
      protocols: undefined,
      interfaces: undefined,
      ctStates: undefined,
      values: {},
      ranges: {},
    });
    expect(six?.where.family).toBe("IPv6");
  });

  test("may have several documents, and be JSON", () => {
    expect(mustReadDeclarations(`${HEAD}  - {${FATES}}\n---\n${HEAD}  - {${FATES}}\n`)).toHaveLength(2);
    const text = {
      apiVersion: "kpc.dev/v1alpha1",
      kind: "Differences",
      differences: [{ left: "drop", right: "pass" }],
    };
    expect(mustReadDeclarations(JSON.stringify(text))).toHaveLength(1);
  });

  test("has a head", () => {
    const { findings } = readDeclarations("kind: Config\ndifference: []\n");
    expect(findings).toEqual([
      '2:1 unknown-field unknown field "difference", did you mean "differences"?',
      "1:1 missing-field apiVersion: Required value",
      "1:1 missing-field differences: Required value",
      '1:7 invalid-value kind: Unsupported value: "Config": supported values: "Differences"',
    ]);
  });

  test.each([
    [`{${FATES}, port: 80}`, '4:31 unknown-field unknown field "differences[0].port"'],
    ["{left: drop}", "4:5 missing-field differences[0].right: Required value: what happens to these packets"],
    [
      "{left: drop, right: drop}",
      '4:25 invalid-value differences[0].right: Invalid value: "drop": must differ from left',
    ],
    [
      "{left: dropped, right: drop}",
      '4:12 invalid-value differences[0].left: Invalid value: "dropped": must be as kpc diff prints it',
    ],
    ["{left: 5, right: drop}", "4:12 wrong-type differences[0].left: Invalid value: expected array, found number"],
    [
      "{left: [], right: drop}",
      "4:12 invalid-value differences[0].left: Invalid value: []: must be as kpc diff prints it",
    ],
    [
      `{protocol: tpc, ${FATES}}`,
      '4:16 invalid-value differences[0].protocol: Invalid value: "tpc": must be a number from 0 to 255',
    ],
    [
      `{protocol: [6, 256], ${FATES}}`,
      "4:20 invalid-value differences[0].protocol[1]: Invalid value: 256: must be a number",
    ],
    [`{protocol: [], ${FATES}}`, "4:16 invalid-value differences[0].protocol: Invalid value: []: must have an item"],
    [`{source: [], ${FATES}}`, "4:14 invalid-value differences[0].source: Invalid value: []: must have an item"],
    [
      `{inInterface: "a b", ${FATES}}`,
      '4:19 invalid-value differences[0].inInterface: Invalid value: "a b": must be the name of an interface',
    ],
    [
      `{ctState: old, ${FATES}}`,
      '4:15 invalid-value differences[0].ctState: Unsupported value: "old": supported values: "new", "related", "established", "reply", "related-reply", "invalid", "untracked"',
    ],
    [`{family: IPv5, ${FATES}}`, '4:14 invalid-value differences[0].family: Unsupported value: "IPv5"'],
    [
      `{family: IPv6, source: 10.0.0.1, ${FATES}}`,
      '4:28 invalid-value differences[0].source: Invalid value: "10.0.0.1": must be of the family of the others here, IPv6',
    ],
    [
      `{source: 10.0.0.1, destination: "fd00::1", ${FATES}}`,
      '4:37 invalid-value differences[0].destination: Invalid value: "fd00::1": must be of the family of the others here, IPv4',
    ],
    [`{source: 10.0.0.1/8, ${FATES}}`, "such as 10.0.0.0/8"],
    [`{source: 10.0.0.1-, ${FATES}}`, "must be an address, a CIDR, or a range such as 10.0.0.1-10.0.0.9"],
    [`{source: 10.0.0.9-10.0.0.1, ${FATES}}`, "must have its lower end first"],
    [`{source: "10.0.0.9-fd00::1", ${FATES}}`, "must be an address, a CIDR, or a range"],
    [
      `{destinationPort: 65536, ${FATES}}`,
      "4:23 invalid-value differences[0].destinationPort: Invalid value: 65536: must be a port from 0 to 65535",
    ],
    [`{destinationPort: 90-80, ${FATES}}`, "must have its lower end first"],
    [`{destinationPort: true, ${FATES}}`, "4:23 wrong-type"],
    [`{assumptions: x, ${FATES}}`, "4:19 wrong-type"],
  ])("refuses %s", (entry, finding) => {
    const { findings } = readDeclarations(`${HEAD}  - ${entry}\n`);
    expect(findings).toEqual([expect.stringContaining(finding)]);
  });
});
