/** Mapped addresses and shifted ports: read, evaluated, compared, printed. `kernel/nat-forms.test.ts` asks the kernel. */
import { describe, expect, test } from "vitest";
import { compare } from "../../../compiler/compare/compare.ts";
import { destinationOf, sourceOf } from "../../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { printSave } from "../../../compiler/formats/iptables/print-save.ts";
import { normaliseProgram } from "../../../compiler/ir/normal-form.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { FAMILIES, printAddressPort } from "../../../compiler/net/address.ts";
import { printNft } from "../../support/compile.ts";
import { iptablesText, NAT_FORMS, nftText } from "../../support/nat-forms.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

function fateOf(program: Program, packet: Packet): string {
  const outcomes = new Evaluator(program).evaluateWhole(packet, environmentOf([]));
  return outcomes
    .flatMap(({ results }) => results)
    .map(({ disposition }) => {
      const to = destinationOf(disposition);
      const source = sourceOf(disposition);
      return [
        ...(to === undefined ? [] : [printAddressPort(to.address, to.port)]),
        ...(source.kind === "given" ? [source.text] : []),
        ...("takenBy" in disposition ? disposition.takenBy : []),
      ].join("");
    })
    .join(" or ");
}

const differing = (left: Program, right: Program): number =>
  compare(left, right, { budget: 2_000_000, families: FAMILIES, addresses: [] }).differing;

describe.each(NAT_FORMS)("$chain $iptables", (form) => {
  const program = mustReadIptables(iptablesText(form), form.family ?? "ip");
  const nft = nftText(form);

  test("does to packets what is said", () => {
    expect(form.packets.map((packet) => fateOf(program, packet))).toEqual(form.becomes);
    if (nft !== undefined) expect(form.packets.map((packet) => fateOf(mustReadNft(nft), packet))).toEqual(form.becomes);
  });

  test("is printed as it was read", () => {
    const family = form.family ?? "ip";
    const { text } = printSave(program.ruleset, family);
    expect(normaliseProgram(mustReadIptables(text, family))).toEqual(normaliseProgram(program));
    if (nft === undefined) return;
    const theirs = mustReadNft(nft);
    expect(normaliseProgram(mustReadNft(printNft(theirs)))).toEqual(normaliseProgram(theirs));
  });

  test("is the same in both dialects", () => {
    if (nft !== undefined) expect(differing(program, mustReadNft(nft))).toBe(0);
    expect(differing(program, mustReadIptables(iptablesText({ ...form, iptables: "-j RETURN" })))).toBeGreaterThan(0);
  });
});

const nat = (chain: string, ...rules: readonly string[]): Program =>
  mustReadIptables(`*nat\n${rules.map((rule) => `-A ${chain} ${rule}\n`).join("")}COMMIT\n`);

test("a mapping is a translation for each address", () => {
  const mapped = nat("PREROUTING", "-d 198.51.100.0/30 -j NETMAP --to 10.1.0.0/30");
  const each = [0, 1, 2, 3].map((n) => `-d 198.51.100.${n} -j DNAT --to-destination 10.1.0.${n}`);
  expect(differing(mapped, nat("PREROUTING", ...each))).toBe(0);
  expect(differing(mapped, nat("PREROUTING", ...each.slice(1)))).toBeGreaterThan(0);
});

test.each(["PREROUTING", "POSTROUTING"])("mappings of other networks are other ones: %s", (chain) => {
  const match = chain === "PREROUTING" ? "-d" : "-s";
  const map = (from: string, to: string): string => `${match} ${from} -j NETMAP --to ${to}`;
  const whole = nat(chain, map("198.51.0.0/16", "10.1.0.0/16"));
  expect(differing(whole, nat(chain, map("198.51.0.0/16", "10.2.0.0/16")))).toBeGreaterThan(0);
  expect(differing(whole, nat(chain, map("198.51.0.0/17", "10.1.0.0/16")))).toBeGreaterThan(0);
});

test("mappings of parts of a network are the mapping of the whole", () => {
  const map = (from: string, to: string): string => `-d ${from} -j NETMAP --to ${to}`;
  const whole = nat("PREROUTING", map("198.51.0.0/16", "10.1.0.0/16"));
  const parts = [map("198.51.0.0/17", "10.1.0.0/17"), map("198.51.128.0/17", "10.1.128.0/17")];
  expect(differing(whole, nat("PREROUTING", ...parts))).toBe(0);
  expect(differing(whole, nat("PREROUTING", ...parts.slice(1)))).toBeGreaterThan(0);
  // Within the network of which they are.
  const own = nat("PREROUTING", map("198.51.0.0/16", "198.51.0.0/16"));
  expect(differing(own, nat("PREROUTING", "-d 198.51.0.0/16 -j ACCEPT"))).toBeGreaterThan(0);
});

test("shifted ports are a translation for each port", () => {
  const shifted = nat("PREROUTING", "-p udp --dport 80:82 -j DNAT --to-destination 10.1.0.1:1080-1082/80");
  const each = [80, 81, 82].map((n) => `-p udp --dport ${n} -j DNAT --to-destination 10.1.0.1:${1000 + n}`);
  expect(differing(shifted, nat("PREROUTING", ...each))).toBe(0);
  expect(differing(shifted, nat("PREROUTING", ...each.slice(1)))).toBeGreaterThan(0);
});

test.each([
  ["a mapping of addresses", "-d 198.51.0.0/16 -j NETMAP --to 10.1.0.0/16", "-d 10.1.5.0/24"],
  ["a choice of too many addresses", "-j DNAT --to-destination 10.1.0.0-10.1.255.255", "-d 10.1.5.0/24"],
  ["a choice of too many ports", "-p tcp -j DNAT --to-destination :1000-1999 --random", "-p tcp --dport 1500"],
])("behind %s rules may see any of them", (_, translation, match) => {
  const rules = (filter: string): Program =>
    mustReadIptables(`*nat\n-A PREROUTING ${translation}\nCOMMIT\n*filter\n-A FORWARD ${filter}\nCOMMIT\n`, "ip");
  expect(differing(rules(`${match} -j DROP`), rules("-s 0.0.0.0/0 -j RETURN"))).toBeGreaterThan(0);
});

test("the hooks that lead to a chain tell what a mapping translates", () => {
  const text = (from: string): string =>
    `*nat\n:maps - [0:0]\n${from}-A maps -d 198.51.100.0/24 -j NETMAP --to 10.1.0.0/24\nCOMMIT\n`;
  const kinds = (from: string): string[] =>
    mustReadIptables(text(from)).ruleset.tables.flatMap(({ chains }) =>
      chains
        .filter(({ name }) => name === "maps")
        .flatMap(({ rules }) => rules.flatMap(({ steps }) => steps.slice(-1).map(({ kind }) => kind))),
    );
  expect(kinds("-A PREROUTING -j maps\n-A OUTPUT -j maps\n")).toEqual(["dnat"]);
  expect(kinds("-A POSTROUTING -j maps\n")).toEqual(["snat"]);
  expect(kinds("-A PREROUTING -j maps\n-A POSTROUTING -j maps\n")).toEqual(["opaque-statement"]);
});

test("a few ports by chance are taken each with its own", () => {
  const program = nat("PREROUTING", "-p tcp -j DNAT --to-destination 10.1.0.1:80-82 --random");
  const [packet] = NAT_FORMS[1]?.packets ?? [];
  const [outcome] = new Evaluator(program).evaluateWhole({ ...(packet as Packet), protocol: 6 }, environmentOf([]));
  expect(outcome?.endpoints.map(({ port, probability }) => [port, Math.round(probability * 65536)])).toEqual([
    [80, 21846],
    [81, 21845],
    [82, 21845],
  ]);
});
