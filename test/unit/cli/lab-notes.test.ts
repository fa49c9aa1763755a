import { expect, test } from "vitest";
import { labNotes } from "../../../compiler/cli/lab-cases.ts";

test("a lab that is not what was asked for says so", () => {
  const none = new Map<string, string>();
  expect(labNotes({ printedRules: none, lateInterfaces: none })).toEqual([]);
  expect(
    labNotes({
      printedRules: new Map([["node-a", "nft: refused"]]),
      lateInterfaces: new Map([["node-b", "eth0 br0"]]),
    }),
  ).toEqual([
    "the rules of node-a are in the lab as kpc prints them, not as given: nft: refused",
    "interfaces of node-b do not run after half a minute, and may lose packets: eth0 br0",
  ]);
});
