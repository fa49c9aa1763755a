/** Which hosts a certificate is for. */
import type { X509 } from "./x509.ts";

/** Whether clients take a certificate with these names for `host`: a wildcard stands for one label, and only a wildcard covers a
 *  wildcard host. Common names do not count. */
export function coversHost({ names }: Pick<X509, "names">, host: string): boolean {
  const wildcard = host.replace(/^[^.]+/, "*");
  return names.some((name) => name === host || (name === wildcard && host.includes(".")));
}
