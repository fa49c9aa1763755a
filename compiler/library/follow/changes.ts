/** What changes: texts of sources, or objects as a watch of the API server tells of them. */
import { checkSource, describe, isRecord } from "../../arguments.ts";

/** Another text of a source; without `text` the source is gone. */
export interface SourceChange {
  readonly name: string;
  readonly text?: string | undefined;
}

/** An event of a watch. Objects of a list, which a watch begins with, are ADDED. */
export interface ObjectEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** As the API server has it, with `kind` and `apiVersion`: items of lists do not have these. */
  readonly object: object;
}

const TYPES: readonly unknown[] = ["ADDED", "MODIFIED", "DELETED"];

/** Checks changes one at a time. Throws `TypeError` for wrong arguments. */
export function* changesIn(changes: unknown): Generator<SourceChange> {
  if (typeof changes !== "object" || changes === null || !(Symbol.iterator in changes))
    throw new TypeError(`changes: expected a list of {name: string, text?: string}, found ${describe(changes)}`);
  let index = 0;
  for (const change of changes as Iterable<unknown>) {
    const what = `changes[${index++}]`;
    if (isRecord(change) && change["text"] === undefined && typeof change["name"] === "string")
      yield { name: change["name"] };
    else {
      checkSource(change, what);
      yield change;
    }
  }
}

/** The change of each event. Throws `TypeError` for wrong arguments. */
export function* changesOfEvents(events: unknown): Generator<SourceChange> {
  if (typeof events !== "object" || events === null || !(Symbol.iterator in events))
    throw new TypeError(`events: expected a list of {type: string, object: object}, found ${describe(events)}`);
  let index = 0;
  for (const event of events as Iterable<unknown>) {
    const what = `events[${index++}]`;
    if (!isRecord(event))
      throw new TypeError(`${what}: expected {type: string, object: object}, found ${describe(event)}`);
    const { type, object } = event;
    if (!TYPES.some((each) => each === type))
      throw new TypeError(`${what}: expected a type of ${TYPES.join(", ")}, found ${describe(type)}`);
    const name = nameIn(object, what);
    yield type === "DELETED" ? { name } : { name, text: textOf(object) };
  }
}

/** `Kind namespace/name`; without the namespace where the object has none. */
function nameIn(object: unknown, what: string): string {
  const { kind, metadata } = isRecord(object) ? object : {};
  const { namespace, name } = isRecord(metadata) ? metadata : {};
  if (typeof kind !== "string" || typeof name !== "string")
    throw new TypeError(`${what}: expected an object with kind and metadata.name, found ${describe(object)}`);
  return typeof namespace === "string" && namespace !== "" ? `${kind} ${namespace}/${name}` : `${kind} ${name}`;
}

/** Who has changed which field is long, and nothing depends on it. */
function textOf(object: unknown): string {
  const { metadata, ...others } = object as { readonly metadata: object };
  return JSON.stringify({ ...others, metadata: { ...metadata, managedFields: undefined } });
}
