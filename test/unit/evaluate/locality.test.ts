import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { decideLocality, isAssumedLocal } from "../../../compiler/evaluate/locality.ts";
import { alone, environmentOf, hostOf } from "../../../compiler/evaluate/packet.ts";
import { startState } from "../../../compiler/evaluate/state.ts";
import { unknownsMet } from "../../../compiler/evaluate/unknown/condition.ts";
import { required } from "../../../compiler/invariant.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { localHints } from "../../../compiler/library/local-hints.ts";
import { parseAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { HOST } from "../../support/host-dump.ts";
import { PACKET } from "../../support/ir.ts";
import { fatesTogether, packetsOf } from "../../support/many-packets.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const address = (text: string) => required(parseAddress(text), text);

interface Question {
  readonly source?: string;
  readonly destination: string;
  readonly port: number;
  readonly own?: string;
}

/** What happens to a TCP packet: what is assumed, the verdict and the first endpoint. */
function outcomesOf(program: Program, { source = "203.0.113.9", destination, port, own }: Question): string[] {
  const packet = {
    protocol: 6,
    ...{ source: address(source), sourcePort: 40000, destination: address(destination), destinationPort: port },
    ...{ inInterface: source.startsWith("127.") ? undefined : "eth0", mark: 0 },
  };
  const outcomes = new Evaluator(program).evaluateWhole(packet, hostOf(own === undefined ? [] : [address(own)]));
  return outcomes.map(({ assumptions, verdict, endpoints: [endpoint] }) => {
    const to = endpoint === undefined ? "" : ` ${printAddressPort(endpoint.address, endpoint.port)}`;
    const assumed = assumptions.map(({ text, holds }) => `${holds ? "" : "not "}${text}`).sort();
    return [...assumed, `${verdict}${to}`].join("; ");
  });
}

const OWN = "192.0.2.1 is an address of this node";
const NEW = "the new destination is an address of this node";

describe("a host whose addresses are not known", () => {
  const host = mustReadIptables(HOST);
  const portsOfNode = { destination: "192.0.2.1", port: 30123 };

  test("rules about local addresses are assumed both ways, and so is the route", () => {
    expect(outcomesOf(host, portsOfNode)).toEqual([
      `${OWN}; ${NEW}; dnat 10.244.1.10:8080`,
      `${OWN}; not ${NEW}; dnat 10.244.1.10:8080`,
      `not ${OWN}; drop`,
    ]);
    expect(outcomesOf(host, { ...portsOfNode, own: "192.0.2.1" })).toEqual(["dnat 10.244.1.10:8080"]);
    expect(outcomesOf(host, { ...portsOfNode, own: "192.0.2.2" })).toEqual(["drop"]);
  });

  test("loopback is local, and the source of what came in by an interface is not", () => {
    expect(outcomesOf(host, { source: "127.0.0.1", destination: "127.0.0.1", port: 30123 })).toEqual([
      `${NEW}; dnat 10.244.1.10:8080`,
      `not ${NEW}; dnat 10.244.1.10:8080`,
    ]);
    const sources = mustReadIptables(
      "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m addrtype --src-type LOCAL -j DROP\nCOMMIT\n",
    );
    expect(outcomesOf(sources, { destination: "198.51.100.1", port: 80 })).toEqual(["pass"]);
  });

  test("nothing is assumed where no rule can tell", () => {
    const nat = mustReadNft(
      "table ip t {\n chain c {\n type nat hook prerouting priority dstnat; ip daddr 10.0.0.1 dnat to 10.0.0.2\n }\n}\n",
    );
    expect(outcomesOf(nat, { destination: "10.0.0.1", port: 80 })).toEqual(["dnat 10.0.0.2:80"]);
  });

  test("verdict maps by the type of the destination, too", () => {
    const program = mustReadNft(
      "table ip t {\n chain c {\n type filter hook prerouting priority 0; fib daddr type vmap { local : drop, unicast : accept }\n }\n}\n",
    );
    expect(outcomesOf(program, { destination: "192.0.2.1", port: 80 })).toEqual([`${OWN}; drop`, `not ${OWN}; accept`]);
    expect(outcomesOf(program, { destination: "127.0.0.1", port: 80 })).toEqual(["drop"]);
  });
});

test("rules hint at the addresses of their host", () => {
  const text = `*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 192.0.2.1
-A PREROUTING -d 192.0.2.7/32 -m addrtype --dst-type LOCAL -j ACCEPT
COMMIT
`;
  expect(localHints(mustReadIptables(text).ruleset.tables)).toEqual([
    "the node's addresses are not known: --node-ip gives them; rules ask for them at dump:4",
    "the rules name addresses that may be the node's: 192.0.2.7 (dump:4), 192.0.2.1 (dump:3)",
  ]);
  expect(localHints(mustReadIptables(HOST).ruleset.tables)).toEqual([
    "the node's addresses are not known: --node-ip gives them; rules ask for them at dump:48",
  ]);
});

test("many packets to one destination have no address in what is assumed of them", () => {
  const program = mustReadNft(
    "table ip t { chain c { type filter hook prerouting priority 0; fib daddr type local drop; } }",
  );
  const fates = fatesTogether(program, { fields: "daddr 198.51.100.1, sport 1-2", environment: hostOf([]) });
  expect(fates).toEqual([
    "198.51.100.1 1-198.51.100.1 2: drop if the destination is an address of this node | pass if not the destination is an address of this node",
  ]);
});

test.each<[asked: string, fields: string]>([
  ["198.51.100.1", "daddr 198.51.100.1, sport 1"],
  ["the destination", "daddr 198.51.100.1, sport 1-2"],
  ["the destination", "daddr 198.51.100.1-198.51.100.2, sport 1"],
])("it is assumed of %s where packets are of %s", (asked, fields) => {
  const state = startState(packetsOf({ fields }), hostOf([]), true);
  const { met } = unknownsMet(() => decideLocality(state));
  expect([...met].map(({ text }) => text)).toEqual([`${asked} is an address of this node`]);
});

test.each([
  [0, "a node with all of its addresses", environmentOf([])],
  [1, "a host of which some are not known", hostOf([])],
])("%i things are assumed of %s", (count, _, environment) => {
  const { shared, branches } = startState(alone(PACKET), environment, true);
  const [branch] = branches;
  const { result, met } = unknownsMet(() => isAssumedLocal("daddr", required(branch, "there is one"), shared));
  expect([result, met.size]).toEqual([false, count]);
});
