/** Roles on the real API server. */
import { parse } from "yaml";
import { members } from "../../../runtime/api/trouble.ts";
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
  for (const rule of role.rules as readonly RoleRule[]) await untilDecided(server, user, rule, true);
}

export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Waits until the server lets `user` do what `rule` says first, or does not any more: what decides follows what is written. */
export async function untilDecided(
  server: RealApiServer,
  user: KubeUser,
  rule: RoleRule,
  allowed: boolean,
): Promise<void> {
  const {
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
  } = rule;
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, resourceAttributes: { group, resource, verb } },
  };
  for (;;) {
    const answer = await call(server.access("admin"), "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      body,
    });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
    if ((members(answer.body?.["status"])["allowed"] === true) === allowed) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
