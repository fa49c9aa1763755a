/** The fields of a Service, and their types. */
import { METADATA } from "./meta.ts";
import { SERVICE_PORT } from "./service-ports.ts";
import { SERVICE_STATUS } from "./service-status.ts";
import { type Fitting, pattern } from "./shape.ts";

const SPEC = {
  allocateLoadBalancerNodePorts: "boolean",
  clusterIP: "string",
  clusterIPs: ["string"],
  externalIPs: ["string"],
  externalName: "string",
  externalTrafficPolicy: "string",
  healthCheckNodePort: "integer",
  internalTrafficPolicy: "string",
  ipFamilies: ["string"],
  ipFamilyPolicy: "string",
  loadBalancerClass: "string",
  loadBalancerIP: "string",
  loadBalancerSourceRanges: ["string"],
  ports: [SERVICE_PORT],
  publishNotReadyAddresses: "boolean",
  selector: "strings",
  sessionAffinity: "string",
  sessionAffinityConfig: { clientIP: { timeoutSeconds: "integer" } },
  trafficDistribution: "string",
  type: "string",
} as const;

export const SERVICE = pattern({
  apiVersion: "string",
  kind: "string",
  metadata: METADATA,
  spec: SPEC,
  status: SERVICE_STATUS,
});

/** `spec` of a Service, as the manifest has it. */
export type ServiceFields = Fitting<typeof SPEC>;
