/** Matches that are not understood, where they cannot hold. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf } from "../../../compiler/evaluate/packet.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { type Address, FAMILIES, parseAddress } from "../../../compiler/net/address.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const [LOCAL, FAR] = ["192.0.2.7", "10.9.9.9"].map((text) => parseAddress(text) as Address) as [Address, Address];

interface Asked {
  readonly inInterface?: string;
  readonly protocol?: number;
  readonly destination?: Address;
}

/** Whether the rule drops the packet: yes, no, or both where it is not known. */
function ask(program: Program, { inInterface, protocol = 6, destination = FAR }: Asked): string {
  const source = inInterface === undefined ? LOCAL : (parseAddress("10.1.1.1") as Address);
  const outcomes = new Evaluator(program).evaluate(
    { protocol, source, destination, sourcePort: 5, destinationPort: 80, inInterface, mark: 0 },
    environmentOf([LOCAL]),
  );
  return [...new Set(outcomes.map(({ verdict }) => (verdict === "drop" ? "yes" : "no")))].sort().join(" or ");
}

const iptables = (match: string): Program =>
  mustReadIptables(
    `*mangle\n${["PREROUTING", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]\n-A ${chain} ${match} -j DROP\n`).join("")}COMMIT\n`,
  );
const nft = (match: string): Program =>
  mustReadNft(
    `table ip t {\n${["prerouting", "postrouting"].map((hook) => `chain ${hook} {\n type filter hook ${hook} priority mangle;\n ${match} drop\n}\n`).join("")}}\n`,
  );

const OWN = {};
const PASSING = { inInterface: "eth0" };

describe("a match that is not understood", () => {
  test.each([
    ["no", iptables("-m physdev --physdev-is-bridged"), OWN],
    ["no or yes", iptables("-m physdev --physdev-is-bridged"), PASSING],
    ["yes", iptables("-m physdev ! --physdev-is-bridged"), OWN],
    ["no or yes", iptables("-m physdev ! --physdev-is-bridged"), PASSING],
    ["no", iptables("-m physdev --physdev-in eth1 ! --physdev-is-out"), OWN],
    ["no", iptables("-m socket"), { ...PASSING, protocol: 47 }],
    ["no or yes", iptables("-m socket --transparent"), PASSING],
    ["no", iptables("-m mac --mac-source 02:00:00:00:00:01"), OWN],
    ["no", iptables("-m mac ! --mac-source 02:00:00:00:00:01"), OWN],
    ["no or yes", iptables("-m mac --mac-source 02:00:00:00:00:01"), PASSING],
    ["no", nft("ether saddr != 02:00:00:00:00:01"), OWN],
    ["no", iptables("-m addrtype --dst-type LOCAL --limit-iface-in"), PASSING],
    ["no or yes", iptables("-m addrtype --dst-type LOCAL --limit-iface-in"), { ...PASSING, destination: LOCAL }],
    ["no", nft("fib daddr . iif type local"), PASSING],
    ["no or yes", nft("fib daddr . iif type local"), { ...PASSING, destination: LOCAL }],
  ])("%s: %#", (wanted, program, packet) => {
    expect(ask(program, packet)).toBe(wanted);
  });

  test.each(["", "! "])("of one interface's addresses is one fact in both dialects (%s)", (not) => {
    const left = iptables(`-m addrtype ${not}--dst-type LOCAL --limit-iface-in`);
    const right = nft(`fib daddr . iif type ${not === "" ? "" : "!= "}local`);
    const { differing } = compare(left, right, { budget: 1_000_000, families: FAMILIES, addresses: [LOCAL] });
    expect(differing).toBe(0);
  });
});
