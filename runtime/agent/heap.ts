/** The memory of a process that stays for months: V8 lets a heap grow to several times of what it holds before it looks for garbage. */
import type * as v8 from "node:v8";
import type * as vm from "node:vm";

/** By how many per cent the heap may grow before garbage is looked for. With 30, an agent of 5,000 Services takes a quarter more of a processor to start,
 *  and 40 per cent less memory. */
const GROWING_PERCENT = 30;

/** Keeps the heap of this process small, from now on. Gives what collects all garbage at once, which stops everything else: 0.1 s where there are
 *  10,000 Services. */
export function keepHeapSmall(): () => void {
  const { setFlagsFromString }: typeof v8 = process.getBuiltinModule("node:v8");
  const { runInNewContext }: typeof vm = process.getBuiltinModule("node:vm");
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  return () => {
    if (typeof collect === "function") collect();
  };
}
