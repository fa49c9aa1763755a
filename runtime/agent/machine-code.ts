/** Machine code: V8 makes it of functions that run often, in threads of its own, and a node may need the processor for something else. */
import type * as v8 from "node:v8";

/** Bytes of bytecode that a function runs before V8 asks whether it is worth machine code. To make that takes half as much of a processor as all else at a
 *  start with 1,000 Services, and it is there when the start is over. */
const [LATE, USUAL] = [400_000, 67_584];

/** Bytes of bytecode of other functions that become part of one: V8 by itself takes 920. With fewer, a start with 10,000 Services takes a tenth less of a
 *  processor, and no longer. */
const MOST_INLINED = 300;

/** Objects from which on it pays to have machine code soon. */
const MANY_OBJECTS = 3000;

/** Lets V8 make little machine code, and soon where there is much to do: gives what is to be called for each object. */
export function makeLittleMachineCode(): () => void {
  const { setFlagsFromString }: typeof v8 = process.getBuiltinModule("node:v8");
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${MOST_INLINED}`);
  setFlagsFromString(`--interrupt-budget=${LATE}`);
  let objects = 0;
  return () => {
    if (++objects === MANY_OBJECTS) setFlagsFromString(`--interrupt-budget=${USUAL}`);
  };
}
