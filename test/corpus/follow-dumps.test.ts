/** Evaluating all packets of a kind of traffic at once says of each of them what evaluating it alone says: with rules of others. */
import { describe, expect, test } from "vitest";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { checkFollow } from "../support/follow.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { readFolder, type TextFile } from "../support/shared.ts";
import { numbersFrom } from "../support/slots.ts";

const ADDRESSES = ["192.168.0.2", "2001:db8::1"].map((text) => parseAddress(text) as Address);

describe("all packets at once", () => {
  /** They take a minute each: the largest one has a thousand kinds of traffic, the other one hundreds of outcomes that hang on what is not
   *  understood, for each packet. */
  const SLOW = ["tum-netchair-2015-09.rules", "synthetic-mixed-400.nft"];
  const isQuick = ({ name }: TextFile): boolean => !SLOW.includes(name);
  const dumps = [
    ...readFolder("corpus/iptables", ".rules")
      .filter(isQuick)
      .map(({ name, text }) => ({ name, read: () => readIptablesText(text) })),
    ...readFolder("corpus/nft", ".nft")
      .filter(isQuick)
      .map(({ name, text }) => ({ name, read: () => readNftText(text) })),
  ];

  const title = dumps.length === 0 ? " (skipped: there is no ../shared/corpus)" : "";
  test.skipIf(dumps.length === 0).each(dumps)(`of a dump of a host: $name${title}`, ({ read }) => {
    expect(checkFollow(read().program, ADDRESSES, numbersFrom(7), 3)).toBeGreaterThan(0);
  });
});
