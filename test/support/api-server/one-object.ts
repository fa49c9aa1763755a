/** Requests for one object: it is read, made, changed or deleted. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { keyOf, merged, type ObjectStore, type StoredObject } from "./object-store.ts";
import type { RequestPlace } from "./places.ts";
import { Refused } from "./refused.ts";

/** Throws `Refused` where there is no such object. */
export function getObject(
  store: ObjectStore,
  response: ServerResponse,
  { path, namespace, name = "" }: RequestPlace,
): void {
  const found = store.kind(path).objects.get(namespace === undefined ? name : `${namespace}/${name}`);
  if (found === undefined) throw new Refused(404, `"${name}" not found`, "NotFound");
  send(response, 200, found);
}

/** POST, PUT, PATCH or DELETE. Rejects with `Refused` where there is no such object, or there is one already. */
export async function writeObject(
  store: ObjectStore,
  request: IncomingMessage,
  response: ServerResponse,
  { path, namespace, name }: RequestPlace,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { objects } = store.kind(path);
  const key = namespace === undefined ? (name ?? "") : `${namespace}/${name}`;
  if (request.method === "DELETE") {
    const gone = store.delete(path, key);
    if (gone === undefined) throw new Refused(404, `"${name}" not found`, "NotFound");
    return send(response, 200, gone);
  }
  const sent = JSON.parse(Buffer.concat(pieces).toString());
  if (request.method === "POST") {
    const object = { ...sent, metadata: { ...sent.metadata, ...(namespace === undefined ? {} : { namespace }) } };
    if (objects.has(keyOf(object))) throw new Refused(409, `"${object.metadata.name}" already exists`, "AlreadyExists");
    return send(response, 201, store.put(path, object));
  }
  const before = objects.get(key);
  if (before === undefined) throw new Refused(404, `"${name}" not found`, "NotFound");
  const object = request.method === "PATCH" ? merged(before, sent) : sent;
  const metadata = { ...(object as StoredObject).metadata, name, ...(namespace === undefined ? {} : { namespace }) };
  send(response, 200, store.put(path, { ...(object as StoredObject), metadata } as StoredObject));
}

function send(response: ServerResponse, code: number, object: object): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(object));
}
