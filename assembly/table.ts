/** The table in use. `load` has checked it: nothing here checks again. */

/** Its first byte; 0 while there is none. */
export let table: usize = 0;

export function use(at: usize): void {
  table = at;
}

/** A word of the header. */
export function word(at: usize): u32 {
  return load<u32>(table + at);
}

/** The section whose offset a word of the header is. */
export function section(at: usize): usize {
  return table + <usize>load<u32>(table + at);
}
