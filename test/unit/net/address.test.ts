import { isIPv6 } from "node:net";
import { describe, expect, test } from "vitest";
import { hasLeadingZero, isIpv4Mapped, parseAddress, parseIpv6, printAddress } from "../../../compiler/net/address.ts";
import { numbersFrom } from "../../support/slots.ts";

describe("parseAddress and printAddress", () => {
  test("addresses of IPv6 that were met before are the same ones, whatever stood between", () => {
    // Groups of few values: many addresses differ in one of them.
    const pick = numbersFrom(7);
    const addresses = Array.from({ length: 200 }, () =>
      Array.from({ length: 8 }, () => [0, 1, 0x400, 0xffff][pick(4)] ?? 0),
    );
    const numberIn = (groups: readonly number[]): bigint =>
      groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
    for (let i = 0; i < 4000; i++) {
      const groups = addresses[pick(addresses.length)] as number[];
      expect(parseIpv6(groups.map((group) => group.toString(16)).join(":"))).toBe(numberIn(groups));
    }
  });

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

test("IPv6 addresses are those of Node.js, and mean what they mean in a URL", () => {
  const pick = numbersFrom(3);
  const parts = ["::", ":", ":", ":", "0", "00", "1", "fF", "abcd", "12345", "1.2.3.4", "256.1.1.1", "g", "."];
  let good = 0;
  for (let i = 0; i < 3000; i++) {
    const mixed = Array.from({ length: 1 + pick(16) }, () => parts[pick(parts.length)]).join("");
    const groups = Array.from({ length: 1 + pick(9) }, () => (pick(4) === 0 ? "" : pick(65_536).toString(16))).join(
      ":",
    );
    const text = i % 3 === 0 ? mixed : i % 3 === 1 ? groups : groups.replace(/:|$/, pick(2) === 0 ? "::" : "::1.2.3.4");
    const address = parseIpv6(text);
    expect([text, address !== undefined]).toEqual([text, isIPv6(text)]);
    if (address === undefined) continue;
    expect(`[${printAddress(address)}]`).toBe(new URL(`http://[${text}]/`).hostname);
    good++;
  }
  expect(good).toBeGreaterThan(300);
});
