import { LAYOUT_VERSION } from "./layout";

/** The table layout that this engine reads. */
export function layoutVersion(): i32 {
  return LAYOUT_VERSION;
}
