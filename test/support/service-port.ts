/** Service ports as a few words, for tables of what is made of them. */
import type { Origin } from "../../compiler/diagnostics.ts";
import { required } from "../../compiler/invariant.ts";
import type { Candidate, ServicePort } from "../../compiler/model/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import type { Port } from "../../compiler/net/port.ts";
import { type Prefix, parsePrefix } from "../../compiler/net/prefix.ts";

const NOWHERE: Origin = { span: () => ({ source: { name: "test", text: "" }, start: 0, end: 0 }) };

export function address(text: string): Address {
  return required(parseAddress(text), text);
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (!("length" in parsed)) throw new Error(`${text} is no prefix`);
  return parsed;
}

export function located(...texts: readonly string[]): { readonly address: Address; readonly origin: Origin }[] {
  return texts.map((text) => ({ address: address(text), origin: NOWHERE }));
}

/** TCP 80 of Service shop/web at 10.96.0.1, without endpoints, but for `members`. */
export function servicePort(members: Partial<ServicePort> = {}): ServicePort {
  return {
    namespace: "shop",
    name: "web",
    portName: "",
    protocol: "tcp",
    port: 80 as Port,
    clusterIp: address("10.96.0.1"),
    servesClusterIp: true,
    nodePort: undefined,
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    affinitySeconds: undefined,
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    healthCheckNodePort: undefined,
    candidates: [],
    hasAnyEndpoint: false,
    origin: NOWHERE,
    clusterIpOrigin: NOWHERE,
    nodePortOrigin: NOWHERE,
    ...members,
  };
}

/** An endpoint at 10.244.0.N from words: its number N, `ready`, `ending` (serves and terminates) or `gone` (terminates),
 *  `@NODE` where it is, `node=NAME` and `zone=NAME` for hints. */
export function candidate(text: string): Candidate {
  const [number = "", state = "", ...more] = text.split(" ");
  const hints = (kind: string): string[] =>
    more.filter((word) => word.startsWith(`${kind}=`)).map((word) => word.slice(kind.length + 1));
  return {
    address: address(`10.244.0.${number}`),
    port: 8080 as Port,
    origin: NOWHERE,
    ready: state === "ready",
    serving: state === "ready" || state === "ending",
    terminating: state === "ending" || state === "gone",
    nodeName: more.find((word) => word.startsWith("@"))?.slice(1),
    zoneHints: hints("zone"),
    nodeHints: hints("node"),
  };
}
