/** Objects that an API server has, for agents that follow it. */
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import type { FakeApiServer } from "./api-server/fake-api-server.ts";
import type { Manifest } from "./arbitraries.ts";
import { keyOf, ruleKindOf } from "./events.ts";

/** Where the API server has objects of each kind. */
export const API_PATHS: Readonly<Record<RuleKind, string>> = {
  Service: "/api/v1/services",
  EndpointSlice: "/apis/discovery.k8s.io/v1/endpointslices",
  Node: "/api/v1/nodes",
  ServiceCIDR: "/apis/networking.k8s.io/v1/servicecidrs",
};

/** The objects of one server, which are written and deleted there as well. */
export class ServedObjects {
  private readonly api: FakeApiServer;
  private readonly objects = new Map<string, Manifest>();

  constructor(api: FakeApiServer, objects: readonly Manifest[]) {
    this.api = api;
    for (const object of objects) this.put(object);
  }

  put(object: Manifest): void {
    this.objects.set(keyOf(object), object);
    this.api.store.put(API_PATHS[ruleKindOf(object)], object as never);
  }

  delete(object: Manifest): void {
    const key = keyOf(object);
    this.objects.delete(key);
    this.api.store.delete(API_PATHS[ruleKindOf(object)], key.slice(key.indexOf(" ") + 1));
  }

  values(): Iterable<Manifest> {
    return this.objects.values();
  }
}

/** Resolves when `disagreement` finds nothing any more. Fails with what it found last, and the end of `log`, after `tries` looks. */
export async function untilAgreed(
  disagreement: () => string | Promise<string>,
  log: readonly string[],
  tries: number,
): Promise<void> {
  let found = await disagreement();
  for (let i = 0; found !== "" && i < tries; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = await disagreement();
  }
  if (found !== "") throw new Error(`the kernel differs:\n${found}\n${log.slice(-5).join("\n")}`);
}
