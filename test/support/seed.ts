/** The seed of all random inputs. It is the same in each run, so that only a change of the code or of a test changes the result.
 *  KPC_SEED gives another one: a number, or `random`. A law that fails prints its seed. */
import fc from "fast-check";

const FIXED = 20261128;

const wanted = process.env["KPC_SEED"] ?? `${FIXED}`;
if (wanted !== "random") {
  if (!/^-?\d+$/.test(wanted)) throw new Error(`KPC_SEED is ${JSON.stringify(wanted)}, not a number or "random"`);
  fc.configureGlobal({ seed: Number(wanted) });
}
