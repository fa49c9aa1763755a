/** Packets that the kernel sends by itself have no user: to iptables that is another user, to nft none. */
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import { inNamespace, kernelMissing } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

/** A connection to a port where nobody listens: what root sends, and the kernel's answer. */
const CONNECT =
  "ip link set lo up; perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(9, inet_aton(q(127.0.0.1))))'; true";

const RULES = [
  ["-p tcp --sport 9 -m owner ! --uid-owner 7", "tcp sport 9 meta skuid != 7", [1, 0]],
  ["-p tcp --sport 9 -m owner ! --uid-owner 7-9", "tcp sport 9 meta skuid != 7-9", [1, 0]],
  ["-p tcp --dport 9 -m owner ! --uid-owner 7", "tcp dport 9 meta skuid != 7", [1, 1]],
  ["-p tcp --dport 9 -m owner --uid-owner 0-7", "tcp dport 9 meta skuid 0-7", [1, 1]],
  ["-p tcp --sport 9 -m owner --uid-owner 0-7", "tcp sport 9 meta skuid 0-7", [0, 0]],
] as const;

describe.skipIf(kernelMissing !== undefined)("the kernel's own packets", () => {
  test.each(["nft", "legacy"])("and programs' are told apart by iptables-%s and nft as is said", async (backend) => {
    const rules = RULES.flatMap(([iptables, nft], i) => [
      `iptables-${backend} -A OUTPUT ${iptables} -m comment --comment "a${i}"`,
      `nft 'add rule ip t c ${nft} counter comment "b${i}"'`,
    ]);
    const { output } = await inNamespace(
      `nft 'add table ip t; add chain ip t c { type filter hook output priority 5; }'; ${rules.join("; ")}; ${CONNECT}; iptables-${backend}-save -c; nft list table ip t`,
    );
    const count = (name: string): number => {
      const line = output.split("\n").find((each) => new RegExp(`\\b${name}\\b`).test(each)) ?? "";
      return Number(
        /^\[(\d+):|packets (\d+)/
          .exec(line)
          ?.slice(1)
          .find((each) => each !== undefined),
      );
    };
    expect(RULES.map((_, i) => [count(`a${i}`), count(`b${i}`)])).toEqual(RULES.map(([, , counts]) => counts));
  });
});

describe("tests of users", () => {
  const iptables = (match: string) => mustReadIptables(`*filter\n-A OUTPUT -m owner ${match} -j DROP\nCOMMIT\n`, "ip");
  const nft = (match: string) =>
    mustReadNft(`table ip t {\nchain c {\ntype filter hook output priority 0;\nmeta skuid ${match} drop\n}\n}\n`);
  const differing = (...asked: Parameters<typeof compare>) => compare(...asked).differing;

  test("are one in both dialects where they are not negated, and not where they are", () => {
    const options = { budget: 1_000_000, families: FAMILIES, addresses: [] };
    expect(differing(iptables("--uid-owner 1000-2000"), nft("1000-2000"), options)).toBe(0);
    expect(differing(iptables("! --uid-owner 1000-2000"), nft("!= 1000-2000"), options)).toBeGreaterThan(0);
    expect(differing(nft("!= 1000-2000"), nft("!= 1000-2000"), options)).toBe(0);
    expect(differing(iptables("! --uid-owner 5"), iptables("! --uid-owner 6"), options)).toBeGreaterThan(0);
  });
});
