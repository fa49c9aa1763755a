/** Hosts that take connections and make others: load balancers. */
import type { Tuple } from "../evaluate/connection.ts";
import type { Host } from "../network/network.ts";
import { ownSource } from "./ip.ts";
import { chosen, finished, type Journey, record, type WalkEvent } from "./journey.ts";

const TTL = 64;

/** What a proxy on `host` does with a connection that was delivered there; undefined: none takes it. */
export function passToProxy(host: Host, journey: Journey): WalkEvent[] | undefined {
  const { destination, destinationPort, sourcePort } = journey.tuple;
  const frontend = host.proxies.find(
    ({ address, port, protocol }) =>
      address === destination && port === destinationPort && protocol === journey.protocol,
  );
  if (frontend === undefined) return undefined;
  const { targets } = frontend;
  const taken = journey.tuple;
  if (targets.length === 0)
    return [{ kind: "end", journey, end: { kind: "no-target", host: host.name, tuple: taken } }];
  return targets.map((target): WalkEvent => {
    const one = chosen(journey, 1 / targets.length);
    const source = ownSource(host, target.address);
    if (source === undefined)
      return { kind: "end", journey: one, end: { kind: "no-route", host: host.name, destination: target.address } };
    const made: Tuple = { source, sourcePort, destination: target.address, destinationPort: target.port };
    const moved = finished(record(one, { kind: "proxied", taken, made, target: target.host }));
    const proxied = [...journey.proxied, { host: host.name, taken, made }];
    return {
      kind: "send",
      host: host.name,
      journey: { ...moved, tuple: made, ttl: TTL, proxied, sent: { host: host.name, tuple: made } },
    };
  });
}
