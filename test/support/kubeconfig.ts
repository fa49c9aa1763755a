/** Kubeconfigs for programs under test. */

/** The text of one with a single context. `cluster`, `user`: what it says of them, as `server` and `token`. */
export function kubeconfigOf(
  cluster: Readonly<Record<string, string>>,
  user: Readonly<Record<string, string>> = {},
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "only",
    contexts: [{ name: "only", context: { cluster: "only", user: "only" } }],
    clusters: [{ name: "only", cluster }],
    users: [{ name: "only", user }],
  });
}

/** Of a server that nobody runs: who asks it logs that. */
export const KUBECONFIG_OF_NOBODY = kubeconfigOf({ server: "http://127.0.0.1:9" });
