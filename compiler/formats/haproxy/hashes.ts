import { sha256 } from "../../net/hash.ts";

/** A name for what has `text`: 12 hexadecimal digits. */
export function shortHash(text: string): string {
  return [...sha256(text).subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
