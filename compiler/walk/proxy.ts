/** Hosts that take connections and make others: load balancers, ingress proxies. */
import type { Tuple } from "../evaluate/connection.ts";
import type { Host, ProxyAnswer } from "../network/network.ts";
import { ownSource } from "./ip.ts";
import { chosen, finished, type Journey, record, type WalkEvent } from "./journey.ts";

const TTL = 64;

/** What a proxy on `host` does with a connection that was delivered there; undefined: none takes it. */
export function passToProxy(host: Host, journey: Journey): WalkEvent[] | undefined {
  const { destination, destinationPort, sourcePort } = journey.tuple;
  const frontends = [...host.proxies, ...(journey.isAnswer ? [] : (journey.proxies?.get(host.name) ?? []))];
  const frontend = frontends.find(
    ({ address, port, protocol }) =>
      address === destination && port === destinationPort && protocol === journey.protocol,
  );
  const taken = journey.tuple;
  const refused = (isServed: boolean): WalkEvent[] => [
    { kind: "end", journey, end: { kind: "no-target", host: host.name, tuple: taken, isServed } },
  ];
  if (frontend === undefined) return isForBalancer(host, journey) ? refused(false) : undefined;
  const { targets, http, isTold, tellsClient } = frontend;
  const before = journey.proxied.at(-1);
  if (isTold && before?.tellsClient !== true)
    return [{ kind: "end", journey, end: { kind: "delivered", host: host.name, tuple: taken, answer: UNTOLD } }];
  if (http?.kind === "answered") {
    const { status, reason } = http;
    const answer = { status, reason };
    return [{ kind: "end", journey, end: { kind: "delivered", host: host.name, tuple: taken, answer } }];
  }
  // It is its own backend, by itself or by way of others.
  if (journey.proxied.some((each) => each.host === host.name && isToSame(each.taken, taken)))
    return [{ kind: "end", journey, end: { kind: "loop", host: host.name, interface: LOOPBACK } }];
  const answers = http?.answers ?? [];
  if (targets.length === 0 && answers.length === 0) return refused(true);
  const total = [...targets, ...answers].reduce((sum, { weight = 1 }) => sum + weight, 0);
  const answered = answers.map(({ weight, ...answer }): WalkEvent => {
    const one = chosen(journey, weight / total);
    return { kind: "end", journey: one, end: { kind: "delivered", host: host.name, tuple: taken, answer } };
  });
  const passed = targets.map((target): WalkEvent => {
    const one = chosen(journey, (target.weight ?? 1) / total);
    const source = ownSource(host, target.address);
    if (source === undefined)
      return { kind: "end", journey: one, end: { kind: "no-route", host: host.name, destination: target.address } };
    const made: Tuple = { source, sourcePort, destination: target.address, destinationPort: target.port };
    const forwardedFor = http === undefined ? undefined : isTold ? before?.taken.source : taken.source;
    const told = { ...(forwardedFor === undefined ? {} : { forwardedFor }), ...(tellsClient && { tellsClient }) };
    const moved = finished(record(one, { kind: "proxied", taken, made, target: target.host, ...told }));
    const proxied = [
      ...journey.proxied,
      { host: host.name, taken, made, forwardedFor, tellsClient: tellsClient === true },
    ];
    return {
      kind: "send",
      host: host.name,
      journey: { ...moved, tuple: made, ttl: TTL, proxied, sent: { host: host.name, tuple: made } },
    };
  });
  return [...passed, ...answered];
}

const LOOPBACK = "lo";

/** HAProxy closes a connection that does not begin as it has to. */
const UNTOLD: ProxyAnswer = {
  status: undefined,
  reason: "the proxy takes connections that begin with the PROXY protocol only, and nobody on the way speaks it",
};

function isToSame(a: Tuple, b: Tuple): boolean {
  return a.destination === b.destination && a.destinationPort === b.destinationPort;
}

/** A connection that a load balancer gets, and does not pass on: nothing else listens there. */
function isForBalancer({ role }: Host, { isAnswer, tuple: { destinationPort } }: Journey): boolean {
  return role.kind === "load-balancer" && !isAnswer && destinationPort !== 0;
}
