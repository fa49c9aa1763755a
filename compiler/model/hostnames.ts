/** Hostnames of listeners and routes: precise, `*.` and a suffix (one or more labels in the place of `*`), or undefined for all. */

export type Hostname = string | undefined;

/** Whether `outer` takes every host that `inner` takes. */
export function coversHostname(outer: Hostname, inner: Hostname): boolean {
  if (outer === undefined || outer === inner) return true;
  if (inner === undefined || !outer.startsWith("*.")) return false;
  // `*.b.c` lies in `*.c`: its shortest hosts have one label more.
  return inner.endsWith(outer.slice(1)) && inner.length > outer.length - 1;
}

/** The hosts that both take; null where there are none. */
export function intersectHostnames(a: Hostname, b: Hostname): Hostname | null {
  if (coversHostname(a, b)) return b;
  return coversHostname(b, a) ? a : null;
}

/** More specific hostnames first, so that the first which takes a host is the most specific one. */
export function hostnameRank(host: Hostname): number {
  if (host === undefined) return Number.POSITIVE_INFINITY;
  return host.startsWith("*.") ? -host.length : Number.NEGATIVE_INFINITY;
}
