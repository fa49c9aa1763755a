import { type Context, lenient, reportTooMany, warnInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { decodeLabels, decodeMeta, METADATA } from "./meta.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import { decodePodTemplate, POD_SPEC } from "./pod.ts";
import { type Fitting, pattern, readShape } from "./shape.ts";
import type { WorkloadKind, WorkloadSpec } from "./types.ts";

const TEMPLATE = { metadata: METADATA, spec: POD_SPEC } as const;

const SELECTOR = { matchExpressions: "any", matchLabels: "strings" } as const;

/** What all of them have: the members of `spec` by kind (apps/v1, batch/v1, and v1 for ReplicationController). */
const SPECS = {
  CronJob: {
    concurrencyPolicy: "string",
    failedJobsHistoryLimit: "integer",
    schedule: "string",
    startingDeadlineSeconds: "integer",
    successfulJobsHistoryLimit: "integer",
    suspend: "boolean",
    timeZone: "string",
  },
  DaemonSet: { minReadySeconds: "integer", revisionHistoryLimit: "integer", updateStrategy: "any" },
  Deployment: {
    minReadySeconds: "integer",
    paused: "boolean",
    progressDeadlineSeconds: "integer",
    replicas: "integer",
    revisionHistoryLimit: "integer",
    strategy: "any",
  },
  Job: {
    activeDeadlineSeconds: "integer",
    backoffLimit: "integer",
    backoffLimitPerIndex: "integer",
    completionMode: "string",
    completions: "integer",
    managedBy: "string",
    manualSelector: "boolean",
    maxFailedIndexes: "integer",
    parallelism: "integer",
    podFailurePolicy: "any",
    podReplacementPolicy: "string",
    successPolicy: "any",
    suspend: "boolean",
    ttlSecondsAfterFinished: "integer",
  },
  ReplicaSet: { minReadySeconds: "integer", replicas: "integer" },
  ReplicationController: { minReadySeconds: "integer", replicas: "integer" },
  StatefulSet: {
    minReadySeconds: "integer",
    ordinals: { start: "integer" },
    persistentVolumeClaimRetentionPolicy: "any",
    podManagementPolicy: "string",
    replicas: "integer",
    revisionHistoryLimit: "integer",
    serviceName: "string",
    updateStrategy: "any",
    volumeClaimTemplates: "any",
  },
} as const satisfies Readonly<Record<WorkloadKind, object>>;

const OBJECT = { apiVersion: "string", kind: "string", metadata: METADATA, status: "any" } as const;
const SHARED = { selector: SELECTOR, template: TEMPLATE } as const;

const JOB_TEMPLATE = { metadata: METADATA, spec: { ...SHARED, ...SPECS.Job } } as const;

const CRON_JOB = pattern({ ...OBJECT, spec: { ...SPECS.CronJob, jobTemplate: JOB_TEMPLATE } });
const DAEMON_SET = pattern({ ...OBJECT, spec: { ...SHARED, ...SPECS.DaemonSet } });
const DEPLOYMENT = pattern({ ...OBJECT, spec: { ...SHARED, ...SPECS.Deployment } });
const JOB = pattern({ ...OBJECT, spec: { ...SHARED, ...SPECS.Job } });
const REPLICA_SET = pattern({ ...OBJECT, spec: { ...SHARED, ...SPECS.ReplicaSet } });
const REPLICATION_CONTROLLER = pattern({
  ...OBJECT,
  spec: { ...SHARED, ...SPECS.ReplicationController, selector: "strings" },
});
const STATEFUL_SET = pattern({ ...OBJECT, spec: { ...SHARED, ...SPECS.StatefulSet } });

type ReadFields = (context: Context, root: Field) => WorkloadFields | undefined;

const READERS: Readonly<Record<WorkloadKind, ReadFields>> = {
  CronJob: readCronJob,
  DaemonSet: (context, root) => readShape(context, root, DAEMON_SET),
  Deployment: (context, root) => readShape(context, root, DEPLOYMENT),
  Job: (context, root) => readShape(context, root, JOB),
  ReplicaSet: (context, root) => readShape(context, root, REPLICA_SET),
  ReplicationController: (context, root) => readShape(context, root, REPLICATION_CONTROLLER),
  StatefulSet: (context, root) => readShape(context, root, STATEFUL_SET),
};

/** Members of some kinds' `spec` that say how many Pods there are. */
interface Counts {
  readonly completions?: number | null;
  readonly ordinals?: { readonly start?: number | null } | null;
  readonly parallelism?: number | null;
  readonly replicas?: number | null;
  readonly suspend?: boolean | null;
}

interface WorkloadFields {
  readonly metadata?: Fitting<typeof METADATA> | null;
  readonly spec?:
    | (Counts & { readonly selector?: unknown; readonly template?: Fitting<typeof TEMPLATE> | null })
    | null;
}

/** A CronJob as the Job that it makes. */
function readCronJob(context: Context, root: Field): WorkloadFields | undefined {
  const fields = readShape(context, root, CRON_JOB);
  if (fields === undefined) return undefined;
  const template = fields.spec?.jobTemplate?.spec?.template;
  return { metadata: fields.metadata ?? null, spec: { template: template ?? null } };
}

/** Pods of one workload that kpc looks at. */
const MAX_REPLICAS = 10_000;

/** An object of which a control plane makes Pods. Only how many there are, where they run, their labels and their ports are
 *  looked at, so that findings are warnings: they concern what kpc assumes, not what it was given. */
export function decodeWorkload(strict: Context, root: Field, kind: WorkloadKind): WorkloadSpec | undefined {
  const context = lenient(strict);
  const fields = READERS[kind](context, root);
  if (fields === undefined) return undefined;
  const meta = decodeMeta(context, root, fields.metadata, true, dns1123SubdomainProblems);
  const spec = fields.spec ?? {};
  const field = root.member("spec");
  const template = (kind === "CronJob" ? field.member("jobTemplate").member("spec") : field).member("template");
  const labels = decodeLabels(context, template.member("metadata"), "labels", spec.template?.metadata?.labels);
  const podTemplate = decodePodTemplate(context, template.member("spec"), spec.template?.spec ?? {});
  if (meta === undefined) return undefined;
  return {
    kind,
    meta,
    replicas: decodeReplicas(context, field, kind, spec),
    firstOrdinal: spec.ordinals?.start ?? 0,
    selector: selectorOf(spec.selector) ?? labels,
    labels,
    template: podTemplate,
  };
}

/** How many Pods run at a time; 1 where the manifest leaves it to the server. */
function decodeReplicas(context: Context, spec: Field, kind: WorkloadKind, counts: Counts): number {
  if (kind === "DaemonSet" || kind === "CronJob") return 0;
  const key = kind === "Job" ? "parallelism" : "replicas";
  const given = counts[key] ?? 1;
  if (given < 0) {
    warnInvalid(context, spec.member(key), "must be greater than or equal to 0");
    return 0;
  }
  if (kind === "Job" && counts.suspend === true) return 0;
  const wanted = kind === "Job" ? Math.min(given, counts.completions ?? given) : given;
  if (wanted <= MAX_REPLICAS) return wanted;
  reportTooMany(context, spec.member(key), wanted, MAX_REPLICAS);
  return MAX_REPLICAS;
}

/** The labels that Pods have to have: a plain map in a ReplicationController. */
function selectorOf(selector: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof selector !== "object" || selector === null) return undefined;
  const labels =
    "matchLabels" in selector && typeof selector.matchLabels === "object" ? selector.matchLabels : selector;
  const entries = Object.entries(labels ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return entries.length === 0 ? undefined : new Map(entries);
}
