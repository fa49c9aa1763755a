/** Classes of 32-bit numbers that no test of their bits tells apart. */

/** Whether `(number & mask) ^ xor` is from `from` to `to`. */
export interface Test {
  readonly mask: number;
  readonly xor: number;
  readonly from: number;
  readonly to: number;
}

/** The search gives up at more classes than this, or at more leading bit patterns on the way. */
const MOST = 64;
const MOST_OPEN = 4096;

const FAILED = -1;
/** What a test's number has in common with the ends of its interval, as far as its bits are known: bits of one number. */
const AS_FROM = 1;
const AS_TO = 2;

/** The least number of each class, in their order; undefined: there are too many. */
export function classesOf(tests: readonly Test[]): readonly number[] | undefined {
  // From the highest bit on: leading bits that all tests answer alike are merged.
  let open = new Map<string, { readonly number: number; readonly states: readonly number[] }>();
  open.set("", { number: 0, states: tests.map(() => AS_FROM | AS_TO) });
  for (let at = 31; at >= 0; at--) {
    const next: typeof open = new Map();
    for (const { number, states } of open.values()) {
      for (const bit of [0, 1]) {
        const after = {
          number: number + bit * 2 ** at,
          states: states.map((state, i) => goOn(state, bit, at, tests[i] as Test)),
        };
        const key = after.states.join();
        if (after.number < (next.get(key)?.number ?? Number.POSITIVE_INFINITY)) next.set(key, after);
      }
    }
    if (next.size > MOST_OPEN) return undefined;
    open = next;
  }
  const numbers = new Map<string, number>();
  for (const { number, states } of open.values()) {
    const key = states.map((state) => state !== FAILED).join();
    numbers.set(key, Math.min(number, numbers.get(key) ?? number));
  }
  return numbers.size > MOST ? undefined : [...numbers.values()].sort((a, b) => a - b);
}

/** The state of a test behind one more bit of its number, the one `at`. */
function goOn(state: number, bit: number, at: number, { mask, xor, from, to }: Test): number {
  if (state === FAILED || state === 0) return state;
  const bitOf = (number: number): number => (number >>> at) & 1;
  const made = (bit & bitOf(mask)) ^ bitOf(xor);
  let after = state;
  if ((state & AS_FROM) !== 0 && made !== bitOf(from)) {
    if (made < bitOf(from)) return FAILED;
    after &= ~AS_FROM;
  }
  if ((state & AS_TO) !== 0 && made !== bitOf(to)) {
    if (made > bitOf(to)) return FAILED;
    after &= ~AS_TO;
  }
  return after;
}
