/** The source address that Linux gives a packet of its own over IPv6: RFC 6724, with the kernel's own table of labels (addrlabel.c). */
import { type Ipv6, isLinkLocal } from "../net/address.ts";
import { literalPrefix, type Prefix, prefixContains } from "../net/prefix.ts";
import type { Interface, InterfaceAddress } from "./types.ts";

/** Longest prefixes first. */
const LABELS: readonly (readonly [Prefix, number])[] = (
  [
    ["::1/128", 0],
    ["::/96", 3],
    ["::ffff:0:0/96", 4],
    ["2001::/32", 6],
    ["2001:10::/28", 7],
    ["2002::/16", 2],
    ["3ffe::/16", 12],
    ["fec0::/10", 11],
    ["fc00::/7", 5],
    ["::/0", 1],
  ] as const
).map(([text, label]) => [literalPrefix(text), label]);

/** The source behind interface `name`; undefined: the host has no address for it. */
export function selectSource6(interfaces: readonly Interface[], name: string, destination: Ipv6): Ipv6 | undefined {
  const isNear = scopeOf(destination) === LINK;
  const candidates = interfaces
    .filter((each) => each.isUp && (!isNear || each.name === name))
    .flatMap((each) => each.addresses.map((address) => ({ address, isOut: each.name === name })))
    .filter((each): each is Candidate => typeof each.address.address === "bigint");
  let best: Candidate | undefined;
  for (const each of candidates) if (best === undefined || isBetter(each, best, destination)) best = each;
  return best?.address.address;
}

interface Candidate {
  readonly address: InterfaceAddress & { readonly address: Ipv6 };
  readonly isOut: boolean;
}

/** Whether the first one wins by the first rule that tells them apart. */
function isBetter(a: Candidate, b: Candidate, destination: Ipv6): boolean {
  const wanted = scopeOf(destination);
  const label = labelOf(destination);
  const rules: readonly ((each: Candidate) => number)[] = [
    ({ address }) => Number(address.address === destination),
    // Of the scopes that reach the destination the smallest, of those that do not the largest.
    ({ address }) => {
      const scope = scopeOf(address.address);
      return scope >= wanted ? -scope : scope - 1000;
    },
    ({ address }) => Number(address.isDeprecated !== true),
    ({ isOut }) => Number(isOut),
    ({ address }) => Number(labelOf(address.address) === label),
    ({ address }) => Math.min(commonBits(address.address, destination), address.length),
  ];
  for (const rule of rules) {
    const difference = rule(a) - rule(b);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

const LINK = 2;
const SITE = 5;
const GLOBAL = 14;

/** RFC 4291; loopback counts as a link's. */
function scopeOf(address: Ipv6): number {
  if (address >> 120n === 0xffn) return Number((address >> 112n) & 15n);
  if (isLinkLocal(address) || address === 1n) return LINK;
  return address >> 118n === 0x3fbn ? SITE : GLOBAL;
}

function labelOf(address: Ipv6): number {
  return LABELS.find(([prefix]) => prefixContains(prefix, address))?.[1] ?? 1;
}

function commonBits(a: Ipv6, b: Ipv6): number {
  const difference = a ^ b;
  return difference === 0n ? 128 : 128 - difference.toString(2).length;
}
