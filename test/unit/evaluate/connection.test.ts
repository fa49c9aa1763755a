/** Tuples of connections: which way a packet goes in one, what NAT makes of it, what is translated. */
import { expect, test } from "vitest";
import {
  type ConnectionEntry,
  directionIn,
  isSameTuple,
  natStatus,
  type Tuple,
  tupleBehindNat,
  turnedRound,
} from "../../../compiler/evaluate/connection.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import { tupleText } from "../../support/flows.ts";
import { address } from "../../support/service-port.ts";

const tuple = (source: string, sourcePort: number, destination: string, destinationPort: number): Tuple => ({
  ...{ source: address(source), sourcePort },
  ...{ destination: address(destination), destinationPort },
});

/** A client, a Service, its endpoint, which sees the node as the client. */
const ORIGINAL = tuple("10.0.0.1", 40000, "10.96.0.10", 80);
const REPLY = tuple("10.1.0.1", 8080, "192.0.2.1", 50000);
const ENTRY: ConnectionEntry = { protocol: 6, original: ORIGINAL, reply: REPLY, status: 0, mark: 0 };
const CHANGES: readonly Partial<Tuple>[] = [
  { source: address("10.9.9.9") },
  { sourcePort: 9 },
  { destination: address("10.9.9.9") },
  { destinationPort: 9 },
];

test("a packet goes the way of the tuple that it has, by the connection's protocol", () => {
  expect(directionIn(ENTRY, { ...ORIGINAL, protocol: 6 })).toBe("original");
  expect(directionIn(ENTRY, { ...REPLY, protocol: 6 })).toBe("reply");
  expect(directionIn(ENTRY, { ...ORIGINAL, protocol: 17 })).toBeUndefined();
  expect(directionIn(ENTRY, { ...turnedRound(ORIGINAL), protocol: 6 })).toBeUndefined();
});

test("tuples are the same where all of their four parts are", () => {
  expect(isSameTuple(ORIGINAL, { ...ORIGINAL })).toBe(true);
  for (const change of CHANGES) expect(isSameTuple(ORIGINAL, { ...ORIGINAL, ...change })).toBe(false);
});

test("packets leave the node as those to which the other way's packets answer", () => {
  expect(tupleText(tupleBehindNat(ENTRY, "original"))).toBe("192.0.2.1:50000 > 10.1.0.1:8080");
  expect(tupleText(tupleBehindNat(ENTRY, "reply"))).toBe("10.96.0.10:80 > 10.0.0.1:40000");
});

const { snat, dnat } = CT_STATUS;

/** Of the answer: its destination is the connection's source, its source the connection's destination. */
test.each<[reply: Partial<Tuple>, status: number]>([
  [{}, 0],
  [{ destination: address("10.9.9.9") }, snat],
  [{ destinationPort: 9 }, snat],
  [{ source: address("10.9.9.9") }, dnat],
  [{ sourcePort: 9 }, dnat],
  [{ sourcePort: 9, destinationPort: 9 }, snat | dnat],
])("a connection is translated whose answers differ in %o: %i", (change, status) => {
  expect(natStatus(ORIGINAL, { ...turnedRound(ORIGINAL), ...change })).toBe(status);
});
