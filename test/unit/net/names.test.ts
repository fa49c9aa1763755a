import { describe, expect, test } from "vitest";
import { parseProtocol } from "../../../compiler/net/names.ts";
import { parseServicePort } from "../../../compiler/net/service-names.ts";

describe("a name stands for the number that the kernel's tools find for it", () => {
  test.each([
    ["http", 80],
    ["git", 9418],
    ["hkp", 11371],
    ["llmnr", 5355],
    ["0x50", 80],
    ["65535", 65535],
    ["65536", undefined],
    ["HTTP", undefined],
    ["nonesuch", undefined],
    ["constructor", undefined],
  ])("service %s: %s", (name, port) => {
    expect(parseServicePort(name)).toBe(port);
  });

  test.each([
    ["tcp", 6],
    ["TCP", 6],
    ["ipencap", 4],
    ["ipip", 94],
    ["hopopt", 0],
    ["255", 255],
    ["256", undefined],
    ["nonesuch", undefined],
  ])("protocol %s: %s", (name, number) => {
    expect(parseProtocol(name)).toBe(number);
  });
});
