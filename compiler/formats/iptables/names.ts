/** Names of chains in iptables, which has 28 characters for them. */
import { sha256 } from "../../net/hash.ts";

/** How all chains of ours begin. */
export const CHAIN_PREFIX = "KPC-";

/** Longest chain name (XT_EXTENSION_MAXNAMELEN less the end). */
const MAX_LENGTH = 28;

/** Characters of the hash that closes a shortened name: 50 bits, so that a million chains collide once in a thousand
 *  such rulesets; `nameChains` refuses a collision. */
const HASH_LENGTH = 10;

/** A name for each chain: the chain's own where it fits, else its first word and a hash of the whole. */
export function nameChains(chains: Iterable<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const chain of chains) {
    const name = nameChain(chain);
    const other = taken.get(name);
    if (other !== undefined && other !== chain)
      throw new Error(`chains ${other} and ${chain} have the same short name`);
    taken.set(name, chain);
    names.set(chain, name);
  }
  return names;
}

/** The name of one chain. */
export function nameChain(chain: string): string {
  const plain = `${CHAIN_PREFIX}${chain}`;
  if (plain.length <= MAX_LENGTH && /^[A-Za-z0-9_+-]+$/.test(chain)) return plain;
  const room = MAX_LENGTH - CHAIN_PREFIX.length - HASH_LENGTH - 1;
  const word = (/^[A-Za-z0-9_-]*/.exec(chain)?.[0] ?? "").slice(0, room).replace(/-+$/, "");
  return `${CHAIN_PREFIX}${word}-${hash(chain)}`;
}

/** Base 32, as it stands in file names. */
function hash(text: string): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const bytes = sha256(text);
  return Array.from({ length: HASH_LENGTH }, (_, i) => alphabet[(bytes[i] as number) & 31]).join("");
}
