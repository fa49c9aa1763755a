/** Values that are made once. */

/** What `map` has for `key`; where it has nothing, what `make` makes, which it has then. */
export function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Keeps what was made of an object, for as long as the object lives. */
export class Memo<Key extends object, Value> {
  private readonly known = new WeakMap<Key, { readonly inputs: readonly unknown[]; readonly value: Value }>();

  /** What was made of `key` before if all else that it depends on is the same; or what `make` makes now. `inputs`: all else, which
   *  nobody changes. */
  of(key: Key, inputs: readonly unknown[], make: () => Value): Value {
    const known = this.known.get(key);
    if (known?.inputs.every((each, i) => each === inputs[i])) return known.value;
    const value = make();
    this.known.set(key, { inputs, value });
    return value;
  }
}
