/** Keys of destinations: which word of the address, and which block stands for the others. */
import { BLOCK_IPV4, BLOCK_UNKNOWN } from "../../../assembly/layout.ts";
import { required } from "../../invariant.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import { type Address, FAMILIES, type Family } from "../../net/address.ts";
import type { Tabulation } from "../../tabulate/types.ts";
import { splitAddress, WORD3, WORDS } from "./address-words.ts";
import { swap32 } from "./bytes.ts";

/** Addresses whose first twelve bytes are the same. */
interface Block {
  readonly prefix: bigint;
  count: number;
  /** From 1 on, once all are counted. */
  number: number;
}

export class Keys {
  /** The first twelve bytes of the IPv6 addresses that are known, most frequent first; the first has number 1. */
  readonly blocks: readonly bigint[];
  private readonly known = new Map<bigint, Block>();
  /** The block that was looked for last, and its first and last address: the next one is the same mostly. */
  private recent: Block | undefined;
  private first = 1n;
  private last = 0n;
  private readonly firstKind: Readonly<Record<Family, number>>;

  /** Throws `Unsupported`. */
  constructor({ families }: Tabulation) {
    const { rows, local, points, regions } = families.IPv6;
    for (const { address } of rows) this.count(address as bigint);
    for (const { address } of local) this.count(address as bigint);
    for (const { from } of points) this.count(from as bigint);
    for (const { from } of regions) this.count(from as bigint);
    const blocks = [...this.known.values()].sort((a, b) => b.count - a.count || (a.prefix < b.prefix ? -1 : 1));
    if (blocks.length >= BLOCK_UNKNOWN)
      throw new Unsupported(`IPv6 addresses of more than ${BLOCK_UNKNOWN - 1} blocks of 96 bits`);
    for (const [i, block] of blocks.entries()) block.number = i + 1;
    this.blocks = blocks.map(({ prefix }) => prefix);
    this.firstKind = { IPv4: 0, IPv6: families[FAMILIES[0]].localClasses.length };
  }

  private count(address: bigint): void {
    let block = this.find(address);
    if (block === undefined) {
      block = { prefix: address >> 32n, count: 0, number: 0 };
      this.known.set(block.prefix, block);
      this.recent = block;
    }
    block.count++;
  }

  private find(address: bigint): Block | undefined {
    if (address < this.first || address > this.last) {
      const prefix = address >> 32n;
      this.recent = this.known.get(prefix);
      this.first = prefix << 32n;
      this.last = this.first | 0xffff_ffffn;
    }
    return this.recent;
  }

  /** The block of an address; undefined for IPv6 addresses that are in none. */
  blockOf(address: Address): number | undefined {
    return typeof address === "number" ? BLOCK_IPV4 : this.find(address)?.number;
  }

  mustHaveBlock(address: Address): number {
    return required(this.blockOf(address), "known addresses have blocks");
  }

  /** KEY0 of an address: its last word. */
  key0Of(address: Address): number {
    if (typeof address === "number") return swap32(address);
    splitAddress(address);
    return swap32(WORDS[WORD3] as number);
  }

  /** KEY0 of a kind of local addresses. */
  ofKind(family: Family, kind: number): number {
    return this.firstKind[family] + kind;
  }
}
