/** etcd, kube-apiserver and kube-proxy, where `build.sh` has built them: outside of the project, by version. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type KubeBinary = "etcd" | "kube-apiserver" | "kube-proxy";

const GO_MODULE = new URL("go.mod", import.meta.url);

/** The version of Kubernetes that `go.mod` names: `1.37.2`. */
const KUBE_VERSION = /^\tk8s\.io\/kubernetes v([0-9.]+)/m.exec(readFileSync(GO_MODULE, "utf8"))?.[1] ?? "unknown";

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
