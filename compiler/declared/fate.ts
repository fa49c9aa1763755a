/** What is declared to become of a packet, in the words that comparisons print. */
import { type Chances, TOLERANCE } from "../compare/outcomes.ts";
import type { RejectWith } from "../ir/types.ts";
import { parseAddress, printAddressPort } from "../net/address.ts";
import { parsePort } from "../net/port.ts";

/** Everything that can happen. */
export type Fate = ReadonlyMap<string, Chance>;

interface Chance {
  /** From 0 to 1. */
  readonly value: number;
  /** Half of the last digit that was written. */
  readonly slack: number;
}

/** The fate written as `goes on`, or with chances: `to 10.0.0.1:80 (50.00 %), or to 10.0.0.2:80 (50.00 %)`; its parts may
 *  also come one by one. What is wrong with it, as a string. */
export function parseFate(texts: readonly string[]): Fate | string {
  const parts = texts.flatMap((text) => text.split(/,\s+or\s+/));
  const fate = new Map<string, Chance>();
  for (const part of parts) {
    const [, words = "", percent] = /^\s*(.*?)(?:\s+\((\d+(?:\.\d+)?)\s?%\))?\s*$/s.exec(part) ?? [];
    const text = readWords(words);
    if (text === undefined) return EXPECTED;
    if (percent === undefined && parts.length > 1)
      return "must have a chance in each part, as in: drop (50.00 %), or goes on (50.00 %)";
    if (fate.has(text)) return `must not say "${text}" twice`;
    const digits = percent?.split(".")[1]?.length ?? 0;
    fate.set(text, percent === undefined ? SURE : { value: Number(percent) / 100, slack: 0.5 / 10 ** (digits + 2) });
  }
  if (fate.size === 0) return EXPECTED;
  const chances = [...fate.values()];
  const sum = chances.reduce((total, { value }) => total + value, 0);
  const slack = chances.reduce((total, chance) => total + chance.slack, TOLERANCE);
  return Math.abs(sum - 1) <= slack ? fate : `must have chances that add up to 100 %, not ${(sum * 100).toFixed(2)} %`;
}

const SURE: Chance = { value: 1, slack: 0 };

const REJECTIONS: Readonly<Record<RejectWith, true>> = {
  "port-unreachable": true,
  "host-unreachable": true,
  "net-unreachable": true,
  "protocol-unreachable": true,
  "admin-prohibited": true,
  "host-prohibited": true,
  "net-prohibited": true,
  "policy-fail": true,
  "reject-route": true,
  "tcp-reset": true,
};

const EXPECTED =
  'must be as kpc diff prints it: "drop", "goes on", "reject with port-unreachable", or "to 10.0.0.1:80"; ' +
  'behind it ", masqueraded" or ", from 192.0.2.1", and ", remembered for 10800 s" where that is so';

const SOURCE = '(?:, masqueraded|, from [^,"]+)?';
const TAKEN = '(?:, taken by ".*")?';
const GOES_ON = new RegExp(`^goes on${SOURCE}${TAKEN}$`);
const SENT = new RegExp(`^to (?:\\[([^\\]]*)\\]|([^:]*)):(\\d+)(${SOURCE}(?:, remembered for \\d+ s)?${TAKEN})$`);

/** What is done to a packet, in the one spelling that it has. */
function readWords(words: string): string | undefined {
  if (words === "drop" || GOES_ON.test(words)) return words;
  const rejection = /^reject with (.*)$/.exec(words)?.[1];
  if (rejection !== undefined) return Object.hasOwn(REJECTIONS, rejection) ? words : undefined;
  const [, bracketed, plain, digits = "", rest = ""] = SENT.exec(words) ?? [];
  const address = parseAddress(bracketed ?? plain ?? "");
  const port = digits === "0" ? 0 : parsePort(digits);
  return address === undefined || port === undefined ? undefined : `to ${printAddressPort(address, port)}${rest}`;
}

/** Whether that is what happens. Each chance counts to the digits that it was written with. */
export function isFate(fate: Fate, chances: Chances): boolean {
  if (fate.size !== chances.size) return false;
  for (const [text, { value, slack }] of fate) {
    const chance = chances.get(text);
    if (chance === undefined || Math.abs(chance - value) > slack + TOLERANCE) return false;
  }
  return true;
}

/** Whether one could be meant where the other is, since too few digits are written. */
export function overlap(a: Fate, b: Fate): boolean {
  return isFate(a, valuesOf(b)) || isFate(b, valuesOf(a));
}

function valuesOf(fate: Fate): Chances {
  return new Map([...fate].map(([text, { value }]) => [text, value]));
}

/** Texts that `parseFate` reads as these chances, exactly: a text for each thing that can happen. */
export function printFate(chances: Chances): string[] {
  if (chances.size === 1) return [...chances.keys()];
  return [...chances].map(([text, chance]) => `${text} (${(chance * 100).toFixed(DIGITS)} %)`);
}

/** So many digits of a percentage are less than what comparisons take for equal. */
const DIGITS = 4;

/** What two fates have in common if they can be the same: to look them up by. */
export function fateKey(fate: Fate | Chances): string {
  return [...fate.keys()].sort().join("\n");
}
