/** Packets as tcpdump prints them. */
import { expect, test } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { parsePacket } from "../../../compiler/trace/parse.ts";

function read(text: string): unknown {
  const found: Diagnostic[] = [];
  const packet = parsePacket({ name: "packet", text }, (diagnostic) => void found.push(diagnostic));
  if (packet === undefined) return found.map(({ message }) => message).join("; ");
  const { protocol, from, to, capturedAt } = packet;
  return [protocol, from.name, from.port, to.name, to.port, capturedAt].map((each) => each ?? "-").join(" ");
}

test.each([
  [
    "12:00:01.123456 IP 10.244.1.10.40000 > 10.96.0.20.80: Flags [S], seq 1, length 0",
    "tcp 10.244.1.10 40000 10.96.0.20 80 -",
  ],
  ["IP 10.244.1.10.40000 > 10.96.0.20.80: Flags [S], seq 1, length 0", "tcp 10.244.1.10 40000 10.96.0.20 80 -"],
  [
    "2026-01-02 12:00:01.123456 IP 10.0.0.1.5353 > 10.0.0.2.53: 12345+ A? example.com. (29)",
    "udp 10.0.0.1 5353 10.0.0.2 53 -",
  ],
  ["12:00:01.1 eth0  In  IP 10.0.0.1.1000 > 10.0.0.2.2000: UDP, length 20", "udp 10.0.0.1 1000 10.0.0.2 2000 eth0"],
  ["12:00:01.1 cni0  Out IP 10.0.0.1.1000 > 10.0.0.2.2000: UDP, length 20", "udp 10.0.0.1 1000 10.0.0.2 2000 -"],
  ["12:00:01.1 IP6 fd00::1.40000 > fd00::2.80: Flags [S], seq 1, length 0", "tcp fd00::1 40000 fd00::2 80 -"],
  [
    "12:00:01.1 IP 10.0.0.1.40000 > 10.0.0.2.3868: sctp (1) [INIT] [init tag: 1]",
    "sctp 10.0.0.1 40000 10.0.0.2 3868 -",
  ],
  ["12:00:01.1 IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 64", "icmp 10.0.0.1 - 10.0.0.2 - -"],
  ["12:00:01.1 IP6 fd00::1 > fd00::2: ICMP6, echo request, id 1, seq 1, length 64", "icmp fd00::1 - fd00::2 - -"],
  [
    "12:00:01.1 IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 60)\n    10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum 0x1 (correct), seq 1, length 0",
    "tcp 10.0.0.1 40000 10.0.0.2 80 -",
  ],
  [
    "12:00:01.1 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 1, ack 2, length 0",
    "this is an answer (SYN, ACK): kpc follows the first packet of a connection, the other way round",
  ],
  [
    "12:00:01.1 IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 1, seq 1, length 64",
    "expected an ICMP echo request, found ICMP echo reply",
  ],
  [
    "12:00:01.1 IP 10.0.0.1 > 10.0.0.2: GREv0, length 20",
    "expected ports behind the addresses, as tcpdump -n prints them",
  ],
])("%s", (line, wanted) => {
  expect(read(line)).toBe(wanted);
});
