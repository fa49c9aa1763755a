/** etcd, kube-apiserver and kube-proxy, where `build.sh` has built them: outside of the project, by version. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type KubeBinary = "etcd" | "kube-apiserver" | "kube-proxy";

/** The version that `go.mod` names. */
export const KUBE_VERSION = "1.37.2";

const FOLDER = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "kpc-kube", KUBE_VERSION);

export function kubeBinary(name: KubeBinary): string {
  return join(FOLDER, name);
}

/** Why tests against the real API server are left out; undefined: they are not. */
export function kubeMissing(names: readonly KubeBinary[]): string | undefined {
  const missing = names.filter((name) => !existsSync(kubeBinary(name)));
  if (missing.length === 0) return undefined;
  return `${missing.join(", ")} of Kubernetes ${KUBE_VERSION} not in ${FOLDER} (sh test/support/kube/build.sh builds them)`;
}
