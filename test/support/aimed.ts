/** Packets aimed at the constants of rules: at what they name, at its borders, and just beside it. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../../compiler/ir/constants.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../compiler/net/address.ts";
import { maskAddress, prefixRange } from "../../compiler/net/prefix.ts";
import type { Picker } from "./dressing.ts";

/** What a text names. */
interface Constants {
  readonly addresses: Readonly<Record<Family, readonly Address[]>>;
  readonly ports: readonly number[];
  readonly protocols: readonly number[];
  readonly words: ReadonlySet<string>;
}

/** Reads constants of either dialect: whatever looks like one. */
function constantsOf(text: string): Constants {
  const addresses: Record<Family, Address[]> = { IPv4: [], IPv6: [] };
  for (const [, plain = "", length] of text.matchAll(/(?<![\w.:])([0-9a-f.:]*[.:][0-9a-f.:]*)(?:\/(\d+))?(?![\w.])/g)) {
    const address = parseAddress(plain);
    if (address === undefined) continue;
    const bits = typeof address === "number" ? 32 : 128;
    const kept = Math.min(length === undefined ? bits : Number(length), bits);
    const { from, to } = prefixRange({ address: maskAddress(address, kept), length: kept });
    addresses[familyOf(address)].push(...new Set([address, ...around(from), ...around(to)]));
  }
  const numbers = [...text.matchAll(/(?<![\w./])\d{1,5}(?![\w./])/g)].map(([found]) => Number(found));
  const words = new Set(text.match(/[\w.@+-]+/g) ?? []);
  return {
    addresses,
    ports: [...new Set(numbers.flatMap((port) => [port, port - 1, port + 1]))].filter(
      (port) => port >= 0 && port < 65536,
    ),
    protocols: [...PROTOCOL_NAMES].filter(([, name]) => words.has(name)).map(([number]) => number),
    words,
  };
}

function around(address: Address): Address[] {
  if (typeof address === "number")
    return [address - 1, address, address + 1].filter((each) => each >= 0 && each < 2 ** 32) as Address[];
  return [address - 1n, address, address + 1n].filter((each) => each >= 0n && each < 2n ** 128n) as Address[];
}

export interface Target {
  readonly families: readonly Family[];
  /** Names of interfaces that packets can come in by; undefined: the node's own. */
  readonly interfaces: readonly (string | undefined)[];
  /** The node's addresses. */
  readonly own: readonly Address[];
}

/** Makes packets for mutants of one text. */
export function aimAt(text: string, { families, interfaces, own }: Target): (lines: string, pick: Picker) => Packet {
  const all = constantsOf(text);
  return (lines, pick) => {
    const here = constantsOf(lines);
    const one = <T>(items: readonly T[]): T | undefined => items[pick(items.length)];
    const chosen = families.filter((family) => here.addresses[family].length > 0);
    const family = one(chosen.length > 0 ? chosen : families) ?? "IPv4";
    // Mostly what the changed line names, so that its other tests hold; then what other rules on the way name.
    const among = <T>(near: readonly T[], far: readonly T[], other: readonly T[]): T | undefined => {
      const list = [near, near, near, far, other].filter((items) => items.length > 0);
      return one(one(list) ?? []);
    };
    const own4 = own.filter((address) => familyOf(address) === family);
    const anywhere = (): Address =>
      (family === "IPv4" ? pick(2 ** 32) : SOME_NETWORK + BigInt(pick(2 ** 32))) as Address;
    const address = (): Address =>
      among(here.addresses[family], all.addresses[family], [...own4, anywhere()]) ?? anywhere();
    const named = interfaces.filter((name) => name !== undefined && here.words.has(name));
    const ping = family === "IPv4" ? 1 : 58;
    const protocol = among(here.protocols, all.protocols, [6, 17, ping]) ?? 6;
    const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
    const ctState = (
      [undefined, undefined, undefined, undefined, undefined, undefined, "invalid", "untracked"] as const
    )[pick(8)];
    return {
      protocol,
      source: address(),
      destination: address(),
      sourcePort: hasPorts ? (pick(6) === 0 ? (one(here.ports) ?? 40000) : 40000) : 0,
      destinationPort: hasPorts ? (among(here.ports, all.ports, [pick(65536)]) ?? 80) : 0,
      inInterface: among(named, interfaces, [undefined]),
      mark: 0,
      ...(ctState === undefined ? {} : { ctState }),
    };
  };
}

const SOME_NETWORK = 0x20010db8n << 96n;
