/** A checksum of what was read, for formats that hold it. */

export interface InputDigest {
  add(text: string): void;
  /** `sha256:` and hexadecimal digits. */
  text(): string;
}

/** Undefined where it is not wanted. Node.js loads its cryptography only here: that takes longer than to compile ten Services. */
export function inputDigest(isWanted: boolean): InputDigest | undefined {
  if (!isWanted) return undefined;
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  return {
    add: (text) => void hash.update(text),
    text: () => `sha256:${hash.digest("hex")}`,
  };
}
