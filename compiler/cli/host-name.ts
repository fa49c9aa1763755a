/** How this host is called. */
import { hostname } from "node:os";

/** As a Node of this host is called, unless somebody says otherwise: kubelet and kube-proxy take the host's name in lower case. */
export function nameOfThisHost(): string {
  return hostname().trim().toLowerCase();
}
