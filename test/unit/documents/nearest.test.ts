import { expect, test } from "vitest";
import { nearest, sharingStart } from "../../../compiler/documents/nearest.ts";

const KNOWN = ["port", "nodePort", "targetPort", "protocol", "name", "clusterIP", "clusterIPs", "ingressClassName"];

test.each([
  ["port", "prot"], // swapped
  ["port", "ports"], // one too many
  ["port", "pot"], // one too few
  ["port", "Port"],
  ["nodePort", "nodeport"],
  ["clusterIP", "clusterIp"], // case only: no nearer than clusterIPs, but first
  ["clusterIPs", "clusterIps"],
  [undefined, "ingressClass"],
  [undefined, "foo"],
  [undefined, ""],
  [undefined, "p"],
  [undefined, "x".repeat(1e6)],
])("%s for %s", (wanted, word) => {
  expect(nearest(word, KNOWN)).toBe(wanted);
});

test.each([
  ["ingressClassName", "ingressClass"],
  ["name", "nameOfPort"],
  [undefined, "clus"], // of two
  [undefined, "nam"], // too short
  [undefined, "foo"],
])("%s begins as %s", (wanted, word) => {
  expect(sharingStart(word, KNOWN)).toBe(wanted);
});
