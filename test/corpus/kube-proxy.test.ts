import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { compile } from "../../compiler/compile.ts";
import { sourceOf } from "../../compiler/evaluate/disposition.ts";
import type { Mode } from "../../compiler/node/settings.ts";
import { toConfig } from "../support/compile.ts";
import { completeIptables, KUBE_PROXY, SETTINGS } from "../support/kube-proxy.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

describe.skipIf(KUBE_PROXY === undefined)("kube-proxy's own rules", () => {
  // Asked within tests: the suite is looked through also where it is left out.
  const given = () => KUBE_PROXY as NonNullable<typeof KUBE_PROXY>;

  function ours(mode: Mode) {
    const { compiled } = compile([given().spec], { ...toConfig(SETTINGS), mode }, { complete: false });
    if (compiled === undefined) throw new Error("the specification does not compile");
    return compiled;
  }

  test("of nftables mode do to every packet what ours do", () => {
    const { program, node } = ours("nftables");
    const theirs = mustReadNft(given().nft.text);
    const { differing, open } = compare(program, theirs, { addresses: node.addresses, unmarked: true });
    expect({ differing, open }).toEqual({ differing: 0, open: [] });
  });

  test("masquerade who comes with kube-proxy's mark, which we do not look at", () => {
    const { program, node } = ours("nftables");
    const { regions } = compare(program, mustReadNft(given().nft.text), { addresses: node.addresses });
    expect(regions.length).toBeGreaterThan(0);
    expect(regions.filter(({ box }) => box.mark.values.join() !== "16384")).toEqual([]);
    expect(
      regions.filter(({ right }) => !right.results.some(({ disposition }) => sourceOf(disposition).kind !== "kept")),
    ).toEqual([]);
  });

  test("of iptables mode do to every packet what ours do", () => {
    const { program, node } = ours("iptables");
    const theirs = mustReadIptables(completeIptables(given().iptables.text), "ip");
    const { differing, open } = compare(program, theirs, {
      addresses: node.addresses,
      families: ["IPv4"],
      unmarked: true,
    });
    expect({ differing, open }).toEqual({ differing: 0, open: [] });
  });

  test("of the two modes differ, as their authors meant them to", () => {
    const theirs = mustReadIptables(completeIptables(given().iptables.text), "ip");
    const { node } = ours("nftables");
    const { differing } = compare(mustReadNft(given().nft.text), theirs, {
      addresses: node.addresses,
      families: ["IPv4"],
    });
    expect(differing).toBeGreaterThan(0);
  });
});
