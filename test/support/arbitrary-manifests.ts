/** Random manifests as people write them: without what an API server fills in. */
import fc from "fast-check";
import type { Manifest } from "./arbitraries.ts";

const APPS = ["web", "api", "db", "cache"] as const;

/** Services without addresses, and workloads and Pods that they select by `app`; names differ within a kind. */
export const manifestsAsWritten: fc.Arbitrary<readonly Manifest[]> = fc
  .record({
    services: fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,6}$/),
        app: fc.constantFrom(...APPS),
        type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
        policy: fc.constantFrom(undefined, "SingleStack", "PreferDualStack", "RequireDualStack"),
        external: fc.constantFrom("Cluster", "Local"),
        ports: fc.uniqueArray(
          fc.record({ port: fc.constantFrom(80, 443, 53), protocol: fc.constantFrom("TCP", "UDP") }),
          { minLength: 1, maxLength: 3, selector: ({ port, protocol }) => `${port}/${protocol}` },
        ),
        given: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8, selector: ({ name }) => name },
    ),
    workloads: fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,6}$/),
        app: fc.constantFrom(...APPS),
        kind: fc.constantFrom("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"),
        replicas: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
      }),
      { maxLength: 6, selector: ({ name }) => name },
    ),
    pods: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}-pod$/), { maxLength: 3 }),
  })
  .map(({ services, workloads, pods }) => [
    ...services.map(
      ({ name, app, type, policy, external, ports: own, given }, i): Manifest => ({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: i % 3 === 0 ? "shop" : "default" },
        spec: {
          type,
          selector: { app },
          ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
          ...(type === "ClusterIP" ? {} : { externalTrafficPolicy: external }),
          ...(given ? { clusterIP: `10.96.${i}.10` } : {}),
          ports: own.map((port) => ({ name: `${port.protocol.toLowerCase()}${port.port}`, targetPort: 8080, ...port })),
        },
      }),
    ),
    ...workloads.map(
      ({ name, app, kind, replicas }, i): Manifest => ({
        apiVersion: "apps/v1",
        kind,
        metadata: { name, namespace: i % 3 === 0 ? "shop" : "default" },
        spec: {
          ...(replicas === undefined || kind === "DaemonSet" ? {} : { replicas }),
          selector: { matchLabels: { app, workload: name } },
          template: { metadata: { labels: { app, workload: name } }, spec: { containers: [] } },
        },
      }),
    ),
    ...pods.map(
      (name, i): Manifest => ({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { app: APPS[i % APPS.length] } },
        spec: { containers: [] },
      }),
    ),
  ]);
