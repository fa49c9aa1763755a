import { describe, expect, test } from "vitest";
import type { Family } from "../../compiler/net/address.ts";
import { parseAddress } from "../../compiler/net/address.ts";
import { hold, mustReadDeclarations } from "../support/exceptions.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { readCases, readFolder } from "../support/shared.ts";

const iptables = readFolder("corpus/iptables", ".rules").filter(({ name }) => name.startsWith("docker-hp"));
const nft = readFolder("corpus/nft", ".nft");
const declared = readCases("twins");
const twins = iptables.map(({ name, text }) => {
  const plain = name.replace(/\.rules$/, "");
  const find = (files: typeof nft, ending: string): string =>
    files.find((file) => file.name === `${plain}${ending}`)?.text ?? "";
  return { name: plain, iptables: text, nft: find(nft, ".nft"), declared: find(declared, ".yaml") };
});

const missing = twins.length === 0 ? " (skipped: there is no ../shared/corpus)" : "";
const addresses = ["198.51.100.1", "2001:db8::1"].flatMap((text) => parseAddress(text) ?? []);

describe.skipIf(twins.length === 0)(`Docker's rules for iptables and for nft${missing}`, () => {
  test("are five pairs, each with its explanation", () => {
    expect(twins.map(({ name }) => name)).toEqual(declared.map(({ name }) => name.replace(/\.yaml$/, "")));
    expect(twins).toHaveLength(5);
    const declarations = declared.flatMap(({ text }) => mustReadDeclarations(text));
    expect(declarations.filter(({ reason }) => reason === undefined)).toEqual([]);
  });

  test.each(twins)("are equal but for what is explained: $name", (twin) => {
    const family = twin.name.endsWith("ip6") ? "ip6" : "ip";
    const families: Family[] = [family === "ip" ? "IPv4" : "IPv6"];
    const programs = [mustReadIptables(twin.iptables, family), mustReadNft(twin.nft)] as const;
    const { applied, comparison, printed } = hold(programs, twin.declared, { addresses, families });
    expect({ open: comparison.open, undeclared: applied.undeclared.length, printed }).toMatchObject({
      open: [],
      undeclared: 0,
      printed: expect.stringContaining("differences: []"),
    });
    expect(applied.asDeclared).toBe(true);
  });
});
