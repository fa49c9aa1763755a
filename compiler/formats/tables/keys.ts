/** Keys of destinations: which word of the address, and which block stands for the others. */
import { BLOCK_UNKNOWN } from "../../../assembly/layout.ts";
import { required } from "../../invariant.ts";
import { type Address, FAMILIES, type Family } from "../../net/address.ts";
import type { Tabulation } from "../../tabulate/types.ts";
import { splitAddress, WORD3, WORDS } from "./address-words.ts";
import { swap32 } from "./bytes.ts";
import { TableLimit } from "./limit.ts";

export class Keys {
  /** The first twelve bytes of the IPv6 addresses that are known, most frequent first; the first has number 1. */
  readonly blocks: readonly bigint[];
  private readonly numbers: ReadonlyMap<bigint, number>;
  private readonly firstKind: Readonly<Record<Family, number>>;

  /** Throws `TableLimit`. */
  constructor({ families }: Tabulation) {
    const counts = new Map<bigint, number>();
    const { rows, local, points, regions } = families.IPv6;
    const addresses = [...rows, ...local].map(({ address }) => address);
    for (const address of [...addresses, ...[...points, ...regions].map(({ from }) => from)]) {
      const block = BigInt(address) >> 32n;
      counts.set(block, (counts.get(block) ?? 0) + 1);
    }
    this.blocks = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([block]) => block);
    if (this.blocks.length >= BLOCK_UNKNOWN)
      throw new TableLimit(`IPv6 addresses of more than ${BLOCK_UNKNOWN - 1} blocks of 96 bits`);
    this.numbers = new Map(this.blocks.map((block, i) => [block, i + 1]));
    this.firstKind = { IPv4: 0, IPv6: families[FAMILIES[0]].localKinds.length };
  }

  /** The block of an address; undefined for IPv6 addresses that are in none. */
  blockOf(address: Address): number | undefined {
    return typeof address === "number" ? 0 : this.numbers.get(address >> 32n);
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
