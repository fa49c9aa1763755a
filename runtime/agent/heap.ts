/** The memory of a process that stays for months: V8 lets a heap grow to several times of what it holds before it looks for garbage. */
import type * as v8 from "node:v8";
import type * as vm from "node:vm";

/** By how many per cent the heap may grow before garbage is looked for. With 30, an agent of 5,000 Services takes a quarter more of a processor to start,
 *  and 40 per cent less memory. */
const GROWING_PERCENT = 30;

/** Milliseconds after which garbage is collected once more, and what is left of pages is moved together that a fifth of is free: V8 by itself leaves those
 *  alone, which are a quarter of the heap after 10,000 Services. */
const AGAIN_MS = 1000;

/** Bytes of the space for new objects, of which half is used at a time. It begins with 1 MB, where 10,000 Services are a thousand collections, and would grow
 *  to 32 MB, though most new objects are gone soon. With 8 MB, an agent of 1,000 Services takes a twentieth less of a processor to start, and 4 MB more. */
const NEW_SPACE_BYTES = 4 * 2 ** 20;

/** Lets the space for new objects grow so far, and no farther. V8 doubles it when it has collected as much in it that stays in use; an option of the
 *  process would make it refuse code that is compiled already, which takes 12 MB. */
function growNewSpace(): void {
  const { setFlagsFromString, getHeapSpaceStatistics }: typeof v8 = process.getBuiltinModule("node:v8");
  const isSmall = (): boolean =>
    getHeapSpaceStatistics().some(
      ({ space_name, space_size }) => space_name === "new_space" && space_size < NEW_SPACE_BYTES,
    );
  setFlagsFromString("--semi-space-growth-factor=2");
  const used: number[][] = [];
  // No more than it takes, should V8 not do so one day.
  while (isSmall() && used.length < 2 ** 14) for (let i = 0; i < 64; i++) used.push(new Array(128).fill(i));
  setFlagsFromString("--semi-space-growth-factor=1");
}

/** Keeps the heap of this process small, from now on. Gives what collects all garbage soon, and again a second later, each of which stops everything
 *  else: 0.1 s where there are 10,000 Services. */
export function keepHeapSmall(): () => void {
  const { setFlagsFromString }: typeof v8 = process.getBuiltinModule("node:v8");
  const { runInNewContext }: typeof vm = process.getBuiltinModule("node:vm");
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  growNewSpace();
  // Threads that copy a few objects each cost more than to copy all of them: a tenth of the processor time of a start.
  setFlagsFromString("--no-parallel-scavenge");
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  if (typeof collect !== "function") return () => undefined;
  let again: NodeJS.Timeout | undefined;
  return () => {
    // Who waits for what was loaded is told before everything stops.
    setImmediate(() => void collect());
    clearTimeout(again);
    again = setTimeout(() => {
      setFlagsFromString("--optimize-for-size");
      void collect();
      setFlagsFromString("--no-optimize-for-size");
    }, AGAIN_MS);
    again.unref();
  };
}
