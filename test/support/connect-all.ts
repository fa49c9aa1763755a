/** Each pod of a regular cluster asks each Service. */
import type { Network } from "../../compiler/network/network.ts";
import type { PacketLab } from "../../runtime/lab/lab.ts";
import { serviceAddress } from "./grid-cluster.ts";

/** Whether each connection was served. */
export async function connectAll(
  lab: PacketLab,
  { hosts }: Network,
  { pods, services }: { readonly pods: number; readonly services: number },
): Promise<boolean[]> {
  const names = Array.from({ length: pods }, (_, p) => `pod/d/p${p}`);
  await Promise.all(
    names.flatMap((name) =>
      (hosts.get(name)?.interfaces ?? [])
        .filter(({ kind }) => kind !== "loopback")
        .flatMap(({ addresses }) => addresses.map(({ address }) => lab.serve(name, 6, address, 8080))),
    ),
  );
  const answers = await Promise.all(
    names.flatMap((from) =>
      Array.from({ length: services }, (_, s) =>
        lab.ask({
          ...{ protocol: 6, from, source: undefined, sourcePort: 0, patience: 5000 },
          ...{ destination: serviceAddress(s), destinationPort: 80 },
        }),
      ),
    ),
  );
  return answers.map(({ kind }) => kind === "served");
}
