import { expect, test } from "vitest";
import { hooksOn, pathOf } from "../../../compiler/evaluate/hook-path.ts";

test.each([
  ["that come in", "eth0", ["prerouting", "input", "forward", "postrouting"]],
  ["of the node itself, back by loopback as well", undefined, ["output", "postrouting", "prerouting", "input"]],
])("hooks of packets %s", (_, inInterface, hooks) => {
  expect(hooksOn(pathOf({ inInterface }))).toEqual(hooks);
});
