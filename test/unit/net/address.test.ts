import { describe, expect, test } from "vitest";
import { hasLeadingZero, isIpv4Mapped, parseAddress, printAddress } from "../../../compiler/net/address.ts";

describe("parseAddress and printAddress", () => {
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["10.0.0.1", "010.0.0.1"], // decimal, as kube-proxy reads it
    ["172.30.0.41", "172.30.0.041"],
    ["::", "::"],
    ["::", "0:0:0:0:0:0:0:0"],
    ["::1", "0::1"],
    ["1::", "1:0::"],
    ["fd00:10:96::a", "FD00:10:96:0:0:0:0:A"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // one zero group is not shortened
    ["2001:db8::1:0:0:1", "2001:db8:0:0:1:0:0:1"], // the first of two equal runs is
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["64:ff9b::102:304", "64:ff9b::1.2.3.4"],
  ])("%s is what %s means", (want, text) => {
    const address = parseAddress(text);
    expect(address === undefined ? undefined : printAddress(address)).toBe(want);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1..2.3",
    ".1.2.3",
    "1.2.3.",
    "256.1.1.1",
    "1.2.3.4 ",
    "-1.2.3.4",
    "1.2.3.0x4",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "::12345",
    "::g",
    "fe80::1%eth0",
    "1.2.3.4::",
    "::1.2.3",
    "::01.2.3.4",
    `${"0".repeat(100)}.1.2.3`,
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test("leading zeros are noticed in any octet, a single zero is not one", () => {
    expect(["10.0.0.1", "0.0.0.0", "010.0.0.1", "10.0.0.01", "10.00.0.1"].map(hasLeadingZero)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  test("only ::ffff:0:0/96 is IPv4-mapped", () => {
    const mapped = (text: string): boolean => isIpv4Mapped(parseAddress(text) ?? expect.unreachable());
    expect(["::ffff:1.2.3.4", "::1.2.3.4", "::fffe:1.2.3.4", "1.2.3.4"].map(mapped)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
