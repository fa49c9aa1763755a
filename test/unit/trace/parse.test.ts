import { describe, expect, test } from "vitest";
import { type Diagnostic, printPlace } from "../../../compiler/diagnostics.ts";
import { parsePacket } from "../../../compiler/trace/parse.ts";

function parse(text: string): { readonly packet: ReturnType<typeof parsePacket>; readonly findings: string[] } {
  const findings: string[] = [];
  const report = ({ message, origin }: Diagnostic): void => {
    findings.push(
      `${origin === undefined ? "" : printPlace(origin.span()).replace("packet:1:", "")}: ${message.replace(/; a packet looks like.*/, "")}`,
    );
  };
  return { packet: parsePacket({ name: "packet", text }, report), findings };
}

describe("packets", () => {
  test.each([
    ["tcp 10.0.0.1:40000 > 10.96.0.1:80", ["tcp", "10.0.0.1", "40000", "10.96.0.1", "80", undefined, 0]],
    ["udp 10.0.0.1 > 10.96.0.1:53 iif eth0", ["udp", "10.0.0.1", undefined, "10.96.0.1", "53", "eth0", 0]],
    ["sctp [fd00::1]:1>[fd00::2]:2 mark 0x4000", ["sctp", "fd00::1", "1", "fd00::2", "2", undefined, 0x4000]],
    [
      "tcp pod/shop/web-0 > svc/shop/api:http",
      ["tcp", "pod/shop/web-0", undefined, "svc/shop/api", "http", undefined, 0],
    ],
    ["TCP 10.0.0.1 > 10.96.0.1:80", ["tcp", "10.0.0.1", undefined, "10.96.0.1", "80", undefined, 0]],
    ["tcp node/tcp-1 > svc/udp/iif:mark", ["tcp", "node/tcp-1", undefined, "svc/udp/iif", "mark", undefined, 0]],
  ])("%s", (text, want) => {
    const { packet, findings } = parse(text);
    expect(findings).toEqual([]);
    expect([
      packet?.protocol,
      packet?.from.name,
      packet?.from.port,
      packet?.to.name,
      packet?.to.port,
      packet?.inInterface,
      packet?.mark,
    ]).toEqual(want);
  });
});

describe("an error points at the character", () => {
  test.each([
    ["1: expected tcp, udp, sctp or icmp, found the end", ""],
    ['1: expected tcp, udp, sctp or icmp, found "igmp"', "igmp 10.0.0.1 > 10.0.0.2"],
    ["15: the packet ends too early", "tcp 10.0.0.1 >"],
    ['13: expected ">", found the end', "tcp 10.0.0.1"],
    ['10: expected an address or a name, found ":"', "tcp fd00::1 > 10.0.0.1:80"],
    ['26: unexpected "&"', "tcp 10.0.0.1 > 10.0.0.2:8&"],
    ["33: expected a mark from 0 to 0xffffffff", "tcp 10.0.0.1 > 10.0.0.2:80 mark 0x100000000"],
    [
      "32: expected the name of an interface, at most 15 characters",
      "tcp 10.0.0.1 > 10.0.0.2:80 iif a-name-that-is-too-long",
    ],
  ])("%s", (want, text) => {
    const { packet, findings } = parse(text);
    expect(packet).toBeUndefined();
    expect(findings).toEqual([want]);
  });
});
