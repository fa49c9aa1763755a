import { expect, test } from "vitest";
import { numbersFrom } from "../../support/slots.ts";
import { mutateText, TEXT_MUTANTS } from "../../support/text-mutants.ts";

const NFT = `table inet t {
	set s {
		type ipv4_addr
		elements = { 10.0.0.1, 10.0.0.2,
			     10.0.0.3 }
	}
	chain own {
		return
	}
	chain c {
		type filter hook input priority filter; policy drop;
		ip saddr != 10.0.0.0/8 tcp dport { 80, 443 } accept
		numgen random mod 3 < 1 jump own
		ct state established,related accept
	}
}
`;

const IPTABLES = `*filter
:INPUT DROP [0:0]
:own - [0:0]
-A INPUT -s 10.0.0.0/8 -p tcp -m multiport --dports 80,443 -j ACCEPT
-A INPUT ! -d 10.0.0.1/32 -m statistic --mode random --probability 0.5 -j own
-A own -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
COMMIT
`;

function mutantsOf(text: string) {
  const pick = numbersFrom(1);
  return Array.from({ length: 600 }, () => mutateText(text, pick)).flatMap((mutant) => mutant ?? []);
}

test.each([
  ["nft", NFT, TEXT_MUTANTS],
  ["iptables", IPTABLES, TEXT_MUTANTS.filter((kind) => kind !== "priority")], // chains have none there
])("every kind of mutant is made of a text of %s, by a change of one line or two", (_, text, kinds) => {
  const mutants = mutantsOf(text);
  expect([...new Set(mutants.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort());
  for (const mutant of mutants) {
    expect(mutant.text).not.toBe(text);
    const before = text.split("\n");
    const after = mutant.text.split("\n");
    const changed = before.filter((line, i) => after[i] !== line && after.length === before.length);
    expect(changed.length).toBeLessThanOrEqual(2);
    expect(before.length - after.length).toBe(mutant.now === "" ? 1 : 0);
  }
});

test("elements, policies, priorities and chances change as they are named", () => {
  const nows = (text: string, kind: string): readonly string[] => [
    ...new Set(mutantsOf(text).flatMap((mutant) => (mutant.kind === kind ? [mutant.now.trim()] : []))),
  ];
  expect(nows(NFT, "element")).toEqual(
    expect.arrayContaining([
      "elements = { 10.0.0.2,",
      "ip saddr != 10.0.0.0/8 tcp dport { 443 } accept",
      "ct state related accept",
    ]),
  );
  expect(nows(IPTABLES, "element")).toEqual(
    expect.arrayContaining([
      "-A INPUT -s 10.0.0.0/8 -p tcp -m multiport --dports 443 -j ACCEPT",
      "-A own -m conntrack --ctstate ESTABLISHED -j RETURN",
    ]),
  );
  expect(nows(NFT, "policy")).toEqual(["type filter hook input priority filter; policy accept;"]);
  expect(nows(IPTABLES, "policy")).toEqual([":INPUT ACCEPT [0:0]"]);
  expect(nows(NFT, "priority")).toContain("type filter hook input priority -310; policy drop;");
  expect(nows(NFT, "probability")).toEqual(["numgen random mod 4 < 1 jump own"]);
  expect(nows(IPTABLES, "probability")).toEqual([
    "-A INPUT ! -d 10.0.0.1/32 -m statistic --mode random --probability 0.25 -j own",
  ]);
});
