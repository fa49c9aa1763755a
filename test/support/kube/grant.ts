/** Roles on the real API server. */
import { parse } from "yaml";
import { call } from "../api-server/raw-request.ts";
import type { KubeUser, RealApiServer } from "./real-api-server.ts";

/** Gives `user` the ClusterRole that `manifest`, the text of a file, describes, and nothing else. */
export async function grantRole(server: RealApiServer, user: KubeUser, manifest: string): Promise<void> {
  const role = parse(manifest);
  const { name } = role.metadata;
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `${name}-${user}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  };
  for (const [kind, body] of [
    ["clusterroles", role],
    ["clusterrolebindings", binding],
  ] as const) {
    const path = `/apis/rbac.authorization.k8s.io/v1/${kind}`;
    const { status, body: said } = await call(server.access("admin"), "POST", path, { body });
    if (status !== 201) throw new Error(`${kind}: ${status}: ${JSON.stringify(said)}`);
  }
}
