/** Objects of the API with their history: what a fake API server answers from. */
import { members } from "../../../runtime/api/trouble.ts";

export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** An object as a client writes it. */
export interface WrittenObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** One change, and what was there before it. */
export interface StoreChange {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: StoredObject;
  readonly before: StoredObject | undefined;
}

/** Which objects a request means. */
export type Selector = (object: StoredObject) => boolean;

/** The objects of one path such as `/api/v1/services`, of all namespaces. */
export class KindStore {
  readonly objects = new Map<string, StoredObject>();
  readonly history: StoreChange[] = [];
  readonly listeners = new Set<(change: StoreChange) => void>();
}

/** All kinds, which share one sequence of versions, as in etcd. */
export class ObjectStore {
  version = 1000;
  /** Versions before this one are gone. */
  oldest = 1000;
  private uids = 0;
  private readonly kinds = new Map<string, KindStore>();

  kind(path: string): KindStore {
    const known = this.kinds.get(path);
    if (known !== undefined) return known;
    const made = new KindStore();
    this.kinds.set(path, made);
    return made;
  }

  put(path: string, written: WrittenObject): StoredObject {
    const kind = this.kind(path);
    const key = keyOf(written);
    const before = kind.objects.get(key);
    const version = ++this.version;
    const uid = before?.metadata.uid ?? `00000000-0000-4000-8000-${String(++this.uids).padStart(12, "0")}`;
    const object = { ...written, metadata: { ...written.metadata, uid, resourceVersion: String(version) } };
    kind.objects.set(key, object);
    this.tell(kind, { version, type: before === undefined ? "ADDED" : "MODIFIED", object, before });
    return object;
  }

  /** undefined: there is no such object. */
  delete(path: string, key: string): StoredObject | undefined {
    const kind = this.kind(path);
    const before = kind.objects.get(key);
    if (before === undefined) return undefined;
    kind.objects.delete(key);
    const version = ++this.version;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    this.tell(kind, { version, type: "DELETED", object, before });
    return object;
  }

  /** Forgets what was before now: nobody can watch from there. */
  compact(): void {
    this.oldest = this.version;
    for (const { history } of this.kinds.values()) history.length = 0;
  }

  private tell(kind: KindStore, change: StoreChange): void {
    kind.history.push(change);
    for (const listener of kind.listeners) listener(change);
  }
}

export function keyOf({ metadata: { name, namespace } }: WrittenObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** `change` as somebody sees it who selects objects: undefined: not at all. */
export function selectedChange(
  { type, object, before }: StoreChange,
  selects: Selector,
): { readonly type: StoreChange["type"]; readonly object: StoredObject } | undefined {
  const was = before !== undefined && selects(before);
  const is = type !== "DELETED" && selects(object);
  if (is) return { type: was ? "MODIFIED" : "ADDED", object };
  if (!was) return undefined;
  // An object that is no longer selected is told as it was, at the version of the change.
  const { resourceVersion } = object.metadata;
  return { type: "DELETED", object: { ...before, metadata: { ...before.metadata, resourceVersion } } };
}

/** A label selector and a field selector, as in a query. Throws for what a fake does not know. */
export function selectorOf(labels: string | null, fields: string | null): Selector {
  const tests: Selector[] = [];
  for (const part of splitSelector(labels)) {
    const [, not, key, value] = /^(!?)([\w./-]+)(?:==?([\w.-]*))?$/.exec(part) ?? [];
    if (key === undefined) throw new Error(`the fake API server does not know the label selector ${part}`);
    if (value !== undefined) tests.push(({ metadata }) => metadata.labels?.[key] === value);
    else tests.push(({ metadata }) => (metadata.labels?.[key] !== undefined) === (not === ""));
  }
  for (const part of splitSelector(fields)) {
    const [, field, not, value] = /^(metadata\.name|spec\.clusterIP)(!?)=(.*)$/.exec(part) ?? [];
    if (field === undefined) throw new Error(`the fake API server does not know the field selector ${part}`);
    const [outer = "", inner = ""] = field.split(".");
    tests.push((object) => (members(object[outer])[inner] === value) === (not === ""));
  }
  return (object) => tests.every((holds) => holds(object));
}

function splitSelector(text: string | null): string[] {
  return (text ?? "").split(",").filter((part) => part !== "");
}

/** A merge patch (RFC 7386). */
export function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === "object" && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
