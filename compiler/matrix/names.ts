/** Words for what a matrix asks for. */
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { printAddressPort } from "../net/address.ts";
import type { MatrixTarget } from "./types.ts";

const ENTRY_WORDS: Readonly<Record<MatrixTarget["entry"], string>> = {
  "cluster-ip": "cluster IP",
  "node-port": "node port",
  "load-balancer": "load balancer",
  "external-ip": "external IP",
  "gateway-forward": "forwarded by the gateway",
};

/** `10.96.0.30:80/tcp`. */
export function addressText({ protocol, address, port }: MatrixTarget): string {
  return `${printAddressPort(address, port)}/${PROTOCOL_NAMES.get(protocol) ?? protocol}`;
}

/** `shop/web:http, cluster IP 10.96.0.30:80/tcp`. */
export function targetText(target: MatrixTarget): string {
  const { service, entry, node } = target;
  const on = node === undefined ? "" : ` of ${node}`;
  return `${service ?? "no Service"}, ${ENTRY_WORDS[entry]}${on} ${addressText(target)}`;
}
