/** A fake API server with a cluster of a size, in a process of its own: what it does for an agent is not done in the agent's time, nor in that of who
 *  measures it. */
import { type ChildProcess, spawn } from "node:child_process";
import { ENDPOINT_SLICES, SERVICES } from "../../runtime/api/kinds.ts";
import { FakeApiServer } from "../../test/support/api-server/fake-api-server.ts";
import { makeCluster, NODE_NAME } from "./cluster.ts";
import { printJsonList } from "./manifests.ts";

/** By its path, a slice of the cluster with one endpoint that has another address. */
interface Change {
  readonly change: number;
}

interface Written {
  /** When, as `process.hrtime.bigint()` counts it. */
  readonly written: string;
}

export class ClusterServer {
  readonly url: string;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.child = child;
    this.url = url;
  }

  /** `command`: with arguments, runs `serveCluster` in a process of its own. */
  static async start(command: readonly string[]): Promise<ClusterServer> {
    const child = spawn(process.execPath, command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    return new ClusterServer(child, (await answerOf<{ readonly url: string }>(child)).url);
  }

  /** Changes an endpoint of a slice. Gives the time at which the server had the change, as `process.hrtime.bigint()` counts it. */
  async change(change: number): Promise<bigint> {
    const answer = answerOf<Written>(this.child);
    this.child.send({ change } satisfies Change);
    return BigInt((await answer).written);
  }

  stop(): void {
    this.child.kill();
  }
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error("the process of the API server has ended"));
    child.once("exit", fail);
    child.once("message", (answer) => {
      child.off("exit", fail);
      resolve(answer as Answer);
    });
  });
}

const PATHS = { Service: SERVICES.path, EndpointSlice: ENDPOINT_SLICES.path } as const;

interface ApiManifest {
  readonly kind: keyof typeof PATHS;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[];
}

/** Serves a cluster until the parent ends. `areKept`: lists are zipped before anybody asks for them, which a real server does for each who asks, on
 *  processors of its own. */
export async function serveCluster(size: string, areKept: boolean): Promise<void> {
  const [services = 0, endpoints = 0] = size.split("x").map(Number);
  const list = JSON.parse([...printJsonList(makeCluster({ services, endpoints }))].join("")) as {
    readonly items: readonly ApiManifest[];
  };
  const api = await FakeApiServer.start();
  for (const item of list.items) api.store.put(PATHS[item.kind], item as never);
  const node = {
    metadata: { name: NODE_NAME },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
  };
  api.store.put("/api/v1/nodes", node as never);
  if (areKept)
    for (const { path, labelSelector = null, fieldSelector = null } of [SERVICES, ENDPOINT_SLICES])
      await api.keepZipped(path, labelSelector, fieldSelector);
  const slices = list.items.filter(({ kind }) => kind === "EndpointSlice");
  process.on("message", ({ change }: Change) => {
    const slice = slices[(change * 7919) % slices.length] as ApiManifest;
    const [first, ...others] = slice.endpoints ?? [];
    const address = `10.250.${change >> 8}.${change & 255}`;
    const written = process.hrtime.bigint().toString();
    const endpointsNow = [{ ...first, addresses: [address] }, ...others];
    api.store.put(PATHS.EndpointSlice, { ...slice, endpoints: endpointsNow } as never);
    process.send?.({ written } satisfies Written);
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.({ url: api.url });
}
