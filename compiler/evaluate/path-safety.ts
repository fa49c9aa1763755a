/** Paths that servers understand in different ways. */

/** Whether a backend that normalises paths could serve another path than the one that was routed: one with an empty element, with an element
 *  of one or two dots (encoded ones, too, and with parameters behind), or with an encoded slash. `path` has no query. */
export function isUnsafePath(path: string): boolean {
  return /\/\/|%2f|\/(?:\.|%2e){1,2}(?:;[^/]*)?(?:\/|$)/i.test(path);
}
