/** Which endpoints are on the node. */
import type { Destination } from "../evaluate/disposition.ts";
import { servicePortName } from "../model/types.ts";
import { FAMILIES } from "../net/address.ts";
import type { NodeContext } from "../node/settings.ts";
import type { NodeView } from "../node/view.ts";
import type { LocalityOf } from "../verify/services/endpoint-names.ts";

/** By the node that the input names for each endpoint. */
export function localityIn(view: NodeView, { name: node }: NodeContext): LocalityOf {
  if (node === undefined) return () => undefined;
  const nodes = new Map<string, string>();
  for (const port of FAMILIES.flatMap((family) => view[family]))
    for (const each of port.candidates)
      if (each.nodeName !== undefined) nodes.set(keyOf(servicePortName(port), each), each.nodeName);
  return (service, end) => {
    const found = nodes.get(keyOf(service, end));
    return found === undefined ? undefined : found === node;
  };
}

function keyOf(service: string, { address, port }: Destination): string {
  return `${service} ${typeof address} ${address} ${port}`;
}
