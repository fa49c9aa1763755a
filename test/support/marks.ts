/** Programs that write and test marks: what they do by plain arithmetic, and how each dialect says them. */
import fc from "fast-check";

export interface Marks {
  readonly mark: number;
  readonly ctmark: number;
}

type Which = keyof Marks;

/** What a rule does to marks, in CONNMARK's terms. */
export type MarkChange =
  /** `which = (which & ~mask) ^ value`. */
  | { readonly kind: "set"; readonly which: Which; readonly value: number; readonly mask: number }
  /** `to = (to & ~cleared) ^ ((the other one & taken) << by)`. */
  | { readonly kind: "copy"; readonly to: Which; readonly cleared: number; readonly taken: number; readonly by: number }
  | { readonly kind: "shift"; readonly which: Which; readonly by: number };

export interface MarkTest {
  readonly which: Which;
  readonly value: number;
  readonly mask: number;
  readonly negated: boolean;
}

/** A change where all tests hold. */
export interface MarkRule {
  readonly tests: readonly MarkTest[];
  readonly change: MarkChange | "drop";
}

const ALL = 0xffffffff;

/** What `marks` become; undefined: the packet is dropped. Without a connection no rule applies that has to do with its
 *  mark (connmark_mt, connmark_tg_shift, nft_ct). */
export function applyRules(rules: readonly MarkRule[], marks: Marks, isConnected = true): Marks | undefined {
  let now = marks;
  for (const { tests, change } of rules) {
    if (!isConnected && asksConnection(tests, change)) continue;
    if (!tests.every(({ which, value, mask, negated }) => (and(now[which], mask) === value) !== negated)) continue;
    if (change === "drop") return undefined;
    now = { ...now, ...changed(change, now) };
  }
  return now;
}

function asksConnection(tests: readonly MarkTest[], change: MarkRule["change"]): boolean {
  if (tests.some(({ which }) => which === "ctmark")) return true;
  return change !== "drop" && (change.kind === "copy" || change.which === "ctmark");
}

function changed(change: MarkChange, now: Marks): Partial<Marks> {
  switch (change.kind) {
    case "set":
      return { [change.which]: xor(and(now[change.which], ~change.mask), change.value) };
    case "copy": {
      const other = change.to === "mark" ? now.ctmark : now.mark;
      return { [change.to]: xor(and(now[change.to], ~change.cleared), shift(and(other, change.taken), change.by)) };
    }
    case "shift":
      return { [change.which]: shift(now[change.which], change.by) };
  }
}

const and = (a: number, b: number): number => (a & b) >>> 0;
const xor = (a: number, b: number): number => (a ^ b) >>> 0;

/** By multiplication, which has nothing in common with the way of the compiler. */
function shift(bits: number, by: number): number {
  return by >= 0 ? (bits * 2 ** by) % 2 ** 32 : Math.floor(bits / 2 ** -by);
}

// --- texts -------------------------------------------------------------------------------------------------------------

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** A rule behind `-A CHAIN`; undefined: the dialect has no such change. */
export function asIptables({ tests, change }: MarkRule): string | undefined {
  const matches = tests.map(({ which, value, mask, negated }) =>
    [
      `-m ${which === "mark" ? "mark" : "connmark"}`,
      ...(negated ? ["!"] : []),
      `--mark ${hex(value)}/${hex(mask)}`,
    ].join(" "),
  );
  const target = change === "drop" ? "-j DROP" : iptablesTarget(change);
  return target && [...matches, target].join(" ");
}

function iptablesTarget(change: MarkChange): string | undefined {
  switch (change.kind) {
    case "set":
      return `-j ${change.which === "mark" ? "MARK" : "CONNMARK"} --set-xmark ${hex(change.value)}/${hex(change.mask)}`;
    case "copy": {
      const { to, cleared, taken, by } = change;
      const [nfmask, ctmask] = to === "mark" ? [cleared, taken] : [taken, cleared];
      const verb = to === "mark" ? "--restore-mark" : "--save-mark";
      return `-j CONNMARK ${verb} --nfmask ${hex(nfmask)} --ctmask ${hex(ctmask)}${shiftText(by)}`;
    }
    case "shift":
      return change.which === "mark" ? undefined : `-j CONNMARK --set-xmark 0/0${shiftText(change.by)}`;
  }
}

function shiftText(by: number): string {
  return by === 0 ? "" : ` --${by > 0 ? "left" : "right"}-shift-mark ${Math.abs(by)}`;
}

/** The same for nft 1.0.6, which does not combine two marks. */
export function asNft({ tests, change }: MarkRule): string | undefined {
  const name = (which: Which): string => (which === "mark" ? "meta mark" : "ct mark");
  const matches = tests.map(
    ({ which, value, mask, negated }) => `${name(which)} & ${hex(mask)} ${negated ? "!=" : "=="} ${hex(value)}`,
  );
  const statement = change === "drop" ? "drop" : nftStatement(change, name);
  return statement && [...matches, statement].join(" ");
}

function nftStatement(change: MarkChange, name: (which: Which) => string): string | undefined {
  const moved = (text: string, by: number): string =>
    by === 0 ? text : `(${text}) ${by > 0 ? "<<" : ">>"} ${Math.abs(by)}`;
  switch (change.kind) {
    case "set":
      return `${name(change.which)} set ${name(change.which)} & ${hex(~change.mask)} ^ ${hex(change.value)}`;
    case "copy": {
      const other = name(change.to === "mark" ? "ctmark" : "mark");
      if (change.cleared !== ALL) return undefined;
      return `${name(change.to)} set ${moved(`${other} & ${hex(change.taken)}`, change.by)}`;
    }
    case "shift":
      return `${name(change.which)} set ${moved(name(change.which), change.by)}`;
  }
}

// --- random ------------------------------------------------------------------------------------------------------------

const which = fc.constantFrom<Which>("mark", "ctmark");

/** Rules over masks that `bits` gives. */
export function markRules(bits: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<MarkRule[]> {
  const cleared = fc.oneof(bits, fc.constant(ALL));
  const by = fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }) },
  );
  const change: fc.Arbitrary<MarkChange> = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), which, value: bits, mask: cleared }),
    fc.record({ kind: fc.constant("copy" as const), to: which, cleared, taken: cleared, by }),
    fc.record({ kind: fc.constant("shift" as const), which, by }),
  );
  const rule = fc.record({ tests: fc.array(markTest(bits), { maxLength: 1 }), change });
  return fc.array(rule, { minLength: 1, maxLength });
}

export function markTest(bits: fc.Arbitrary<number>): fc.Arbitrary<MarkTest> {
  return fc
    .record({ which, value: bits, mask: bits, negated: fc.boolean() })
    .map((test) => ({ ...test, value: and(test.value, test.mask) }));
}

/** Numbers of 32 bits, with few and with many bits. */
export const anyBits: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: ALL }),
  fc.integer({ min: 0, max: 31 }).map((bit) => (1 << bit) >>> 0),
  fc.constantFrom(0, ALL, 0xff, 0xff00, 0x4000, 0xffff0000),
);
