/** Mistakes in the code that walks packets: what a judge of walks must notice. Each replaces a text that is once in a file of compiler/walk. */

import type { Mistake } from "./mistakes.ts";

/** By what is wrong. */
export const WALK_MUTANTS: Readonly<Record<string, Mistake>> = {
  "a routed packet keeps its time to live": {
    file: "ip.ts",
    from: "ttl: journey.ttl - 1",
    to: "ttl: journey.ttl",
  },
  "hosts forget connections": {
    file: "on-host.ts",
    from: "entry === undefined ? journey : keep(journey, host.name, entry)",
    to: "journey",
  },
  "answers are new connections": {
    file: "on-host.ts",
    from: 'connection !== undefined ? { connection } : canBegin(journey) ? {} : { ctState: "invalid" }',
    to: "{}",
  },
  "answers that a host has not seen the question of are new": {
    file: "on-host.ts",
    from: "return !isAnswer || !ANSWERS_BY_KIND.has(protocol);",
    to: "return true;",
  },
  "hairpin mode is ignored": {
    file: "bridge.ts",
    from: "name === inPort && !port.hairpin",
    to: "false",
  },
  "no port may send a packet back": {
    file: "bridge.ts",
    from: "name === inPort && !port.hairpin",
    to: "name === inPort",
  },
  "bridge-nf-call-iptables is always on": {
    file: "bridge.ts",
    from: "if (!host.bridgeNetfilter[familyOf(journey.tuple.destination)])",
    to: "if (false)",
  },
  "bridge-nf-call-iptables is always off": {
    file: "bridge.ts",
    from: "if (!host.bridgeNetfilter[familyOf(journey.tuple.destination)])",
    to: "if (true)",
  },
  "a packet that was translated on a bridge is routed": {
    file: "bridge.ts",
    from: "if (hop?.interface !== bridge.name)",
    to: "if (true)",
  },
  "a packet that was translated on a bridge goes to where it was sent": {
    file: "bridge.ts",
    from: "return isMoved ? passTranslated(rules, segments, at, after) : passBridged(rules, segments, at, after);",
    to: "return passBridged(rules, segments, at, after);",
  },
  "a bridged packet does not pass forward and postrouting": {
    file: "bridge.ts",
    from: 'return through(rules, "forward", routed, (next) =>',
    to: "return ((_1: unknown, _2: unknown, on: OnHost, then: (on: OnHost) => WalkEvent[]) => passOn(rules, segments, at, on.journey, true))(0, 0, routed, (next) =>",
  },
  "isolated ports reach each other": {
    file: "segments.ts",
    from: "own.port?.isolated !== true || port?.isolated !== true",
    to: "true",
  },
  "masquerading takes the address of another interface": {
    file: "ip.ts",
    from: 'selectSource(interfaces, outInterface, nextHop, "global")',
    to: 'selectSource(interfaces, interfaces.find(({ name }) => name !== outInterface && name !== "lo")?.name ?? outInterface, nextHop, "global")',
  },
  "the same for IPv6": {
    file: "ip.ts",
    from: "selectSource6(interfaces, outInterface, destination as Ipv6)",
    to: 'selectSource6(interfaces, "lo", destination as Ipv6)',
  },
  "a node that forwards no IPv6 packets does": {
    file: "ip.ts",
    from: "if (!isForwarding(on.host, inInterface, journey))",
    to: "if (false)",
  },
  "a forwarded packet does not pass forward": {
    file: "ip.ts",
    from: 'return through(rules, "forward", forwarded, (next) =>',
    to: "return ((_1: unknown, _2: unknown, on: OnHost, then: (on: OnHost) => WalkEvent[]) => then(on))(0, 0, forwarded, (next) =>",
  },
  "a packet that its sender has translated is not routed again": {
    file: "ip.ts",
    from: "query === undefined ? [{ way: { ...way, on: after } }]",
    to: "true ? [{ way: { ...way, on: after } }]",
  },
  "a packet that its sender has routed again has no mark": {
    file: "ip.ts",
    from: "findWays(after, undefined, query.mark ?? 0)",
    to: "findWays(on, undefined, query.mark ?? 0)",
  },
  "the next hop is always the destination": {
    file: "ip.ts",
    from: "const nextHop = hop.gateway ?? on.journey.tuple.destination;",
    to: "const nextHop = on.journey.tuple.destination;",
  },
  "nobody answers for others": {
    file: "segments.ts",
    from: "if (routesElsewhere(member, address)) return",
    to: "if (false) return",
  },
  "a host answers for addresses of one interface only": {
    file: "segments.ts",
    from: '    ...all.map(({ address }) => address).filter((address) => typeof address === "number"),\n',
    to: "",
  },
  "who answers for others does so for those behind the same interface": {
    file: "segments.ts",
    from: " && found.hops[0]?.interface !== own.name",
    to: "",
  },
  "a packet of a tunnel keeps the time to live of the one inside": {
    file: "transmit.ts",
    from: "    ttl: TTL,\n    bytes: bytes === 0",
    to: "    ttl,\n    bytes: bytes === 0",
  },
  "a packet out of a tunnel keeps the time to live of that outside": {
    file: "transmit.ts",
    from: "journey: { ...done, protocol, tuple, ttl, bytes, carried",
    to: "journey: { ...done, protocol, tuple, bytes, carried",
  },
  "a packet out of a tunnel came in by the outer interface": {
    file: "transmit.ts",
    from: "inInterface: end.name,",
    to: 'inInterface: host.interfaces.find(({ name }) => name === "eth0")?.name ?? end.name,',
  },
  "answers keep the time to live of the question": {
    file: "walk.ts",
    from: "tuple, ttl: TTL, trail: undefined, isAnswer: true",
    to: "tuple, trail: undefined, isAnswer: true",
  },
  "a client takes answers from anybody": {
    file: "walk.ts",
    from: "!isSameTuple(end.tuple, expected)",
    to: "false",
  },
  "a proxy answers as its target": {
    file: "walk.ts",
    from: "tuple: turnedRound(proxied.taken),",
    to: "tuple: turnedRound(proxied.made),",
  },
  "a proxy keeps the address of its client": {
    file: "proxy.ts",
    from: "const made: Tuple = { source, sourcePort,",
    to: "const made: Tuple = { source: taken.source, sourcePort,",
  },
  "a packet that comes back to its sender by lo passes no rules": {
    file: "ip.ts",
    from: 'return through(rules, "prerouting", back, (in_) => through(rules, "input", in_, deliver));',
    to: "return deliver({ ...back, passage: undefined });",
  },
};
