/** Packets at hooks that are entered one at a time, and what leaves the node: with its connection, whose replies are entered as well. */
import { describe, expect, test } from "vitest";
import { type ConnectionEntry, turnedRound } from "../../../compiler/evaluate/connection.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { type Departure, type Environment, environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import type { Hook } from "../../../compiler/ir/types.ts";
import { packetText, tupleText } from "../../support/flows.ts";
import { throughHooks } from "../../support/hooks.ts";
import { mustReadNft } from "../../support/read.ts";
import { NODE } from "../../support/routes.ts";

const base = (hook: Hook, priority: number, rules: string, type = "nat"): string =>
  `chain ${hook}_${priority < 0 ? "early" : "late"}_${type} { type ${type} hook ${hook} priority ${priority}; ${rules} }`;

const evaluatorOf = (...chains: readonly string[]): Evaluator =>
  new Evaluator(mustReadNft(`table ip t { ${chains.join("\n")} }`));

/** What the one thing that can become of a packet leaves. */
function sent(evaluator: Evaluator, packet: Packet, environment: Environment = NODE): Departure | undefined {
  const [outcome, ...others] = evaluator.evaluateWhole(packet, environment);
  expect(others).toEqual([]);
  expect(outcome?.results.length).toBe(1);
  return outcome?.results[0]?.sent;
}

/** The answer to a packet, as it comes to the node that has sent that. */
function answerTo({ protocol, tuple, route, connection }: Departure): Packet {
  const inInterface = route.kind === "forward" ? route.interface : undefined;
  return { protocol, ...turnedRound(tuple), inInterface, mark: 0, ...(connection && { connection }) };
}

function connectionText({ original, reply, status }: ConnectionEntry): string {
  const bits = Object.entries(CT_STATUS).flatMap(([name, bit]) => ((status & bit) === 0 ? [] : [name]));
  return `${tupleText(original)} | ${tupleText(reply)} | ${bits.join(" ")}`;
}

const PREROUTING = (rules: string) => base("prerouting", -100, rules);
const POSTROUTING = (rules: string) => base("postrouting", 100, rules);

/** Packet; rules; what leaves; its connection; what the reply leaves as. */
const FORMS: readonly (readonly [string, string, readonly string[], string, string, string])[] = [
  [
    "nothing",
    "eth0 tcp 203.0.113.5:40000 > 10.1.0.9:80",
    [base("forward", 0, "ct state invalid drop", "filter")],
    "cni0 203.0.113.5:40000 > 10.1.0.9:80",
    "203.0.113.5:40000 > 10.1.0.9:80 | 10.1.0.9:80 > 203.0.113.5:40000 | confirmed",
    "eth0 10.1.0.9:80 > 203.0.113.5:40000",
  ],
  [
    "dnat",
    "eth0 tcp 203.0.113.5:40000 > 198.51.100.7:80",
    [PREROUTING("ip daddr 198.51.100.7 tcp dport 80 dnat to 10.1.0.9:8080")],
    "cni0 203.0.113.5:40000 > 10.1.0.9:8080",
    "203.0.113.5:40000 > 198.51.100.7:80 | 10.1.0.9:8080 > 203.0.113.5:40000 | confirmed dnat",
    "eth0 198.51.100.7:80 > 203.0.113.5:40000",
  ],
  [
    "snat",
    "cni0 udp 10.1.0.9:5000 > 203.0.113.5:53",
    [POSTROUTING("meta l4proto udp snat to 192.168.0.77:1000-2000")],
    "eth0 192.168.0.77:1000 > 203.0.113.5:53 (a port of 1000-2000)",
    "10.1.0.9:5000 > 203.0.113.5:53 | 203.0.113.5:53 > 192.168.0.77:1000 | confirmed snat",
    "cni0 203.0.113.5:53 > 10.1.0.9:5000",
  ],
  [
    "masquerade",
    "cni0 udp 10.1.0.9:5000 > 203.0.113.5:53",
    [POSTROUTING("masquerade")],
    "eth0 192.168.0.2:5000 > 203.0.113.5:53",
    "10.1.0.9:5000 > 203.0.113.5:53 | 203.0.113.5:53 > 192.168.0.2:5000 | confirmed snat",
    "cni0 203.0.113.5:53 > 10.1.0.9:5000",
  ],
  [
    "masquerade of a ping",
    "cni0 icmp 10.1.0.9:0 > 203.0.113.5:0",
    [POSTROUTING("masquerade")],
    "eth0 192.168.0.2:0 > 203.0.113.5:0",
    "10.1.0.9:0 > 203.0.113.5:0 | 203.0.113.5:0 > 192.168.0.2:0 | confirmed snat",
    "cni0 203.0.113.5:0 > 10.1.0.9:0",
  ],
  [
    "netmap both ways",
    "eth0 udp 203.0.113.5:40000 > 198.51.100.7:53",
    [
      PREROUTING("ip daddr 198.51.100.0/24 dnat prefix to 10.1.7.0/24"),
      POSTROUTING("ip saddr 203.0.113.0/24 snat prefix to 172.20.3.0/24"),
    ],
    "cni0 172.20.3.5:40000 > 10.1.7.7:53",
    "203.0.113.5:40000 > 198.51.100.7:53 | 10.1.7.7:53 > 172.20.3.5:40000 | confirmed snat dnat",
    "eth0 198.51.100.7:53 > 203.0.113.5:40000",
  ],
  [
    "both",
    "eth0 tcp 203.0.113.5:40000 > 192.168.0.2:30080",
    [PREROUTING("tcp dport 30080 dnat to 10.1.0.9:8080"), POSTROUTING("ct status dnat masquerade")],
    "cni0 10.1.0.1:40000 > 10.1.0.9:8080",
    "203.0.113.5:40000 > 192.168.0.2:30080 | 10.1.0.9:8080 > 10.1.0.1:40000 | confirmed snat dnat",
    "eth0 192.168.0.2:30080 > 203.0.113.5:40000",
  ],
  [
    "redirect",
    "cni0 tcp 10.1.0.9:5000 > 203.0.113.5:80",
    [PREROUTING("tcp dport 80 redirect to :3128")],
    "local 10.1.0.9:5000 > 10.1.0.1:3128",
    "10.1.0.9:5000 > 203.0.113.5:80 | 10.1.0.1:3128 > 10.1.0.9:5000 | confirmed dnat",
    "cni0 203.0.113.5:80 > 10.1.0.9:5000",
  ],
  [
    "dnat of the node's own packet",
    "own udp 192.168.0.2:5000 > 198.51.100.7:53",
    [base("output", -100, "udp dport 53 dnat to 10.1.0.9:53"), POSTROUTING("oifname cni0 masquerade")],
    "cni0 10.1.0.1:5000 > 10.1.0.9:53",
    "192.168.0.2:5000 > 198.51.100.7:53 | 10.1.0.9:53 > 10.1.0.1:5000 | confirmed snat dnat",
    "local 198.51.100.7:53 > 192.168.0.2:5000",
  ],
  [
    "redirect of the node's own packet",
    "own tcp 192.168.0.2:5000 > 203.0.113.5:80",
    [base("output", -100, "tcp dport 80 redirect to :3128")],
    "local 192.168.0.2:5000 > 127.0.0.1:3128",
    "192.168.0.2:5000 > 203.0.113.5:80 | 127.0.0.1:3128 > 192.168.0.2:5000 | confirmed dnat",
    "local 203.0.113.5:80 > 192.168.0.2:5000",
  ],
  [
    "nothing, to the node itself, which NAT is asked for once",
    "own tcp 192.168.0.2:5000 > 10.1.0.1:80",
    [PREROUTING("dnat to 10.1.0.9"), base("input", 100, "snat to 10.1.0.200")],
    "local 192.168.0.2:5000 > 10.1.0.1:80",
    "192.168.0.2:5000 > 10.1.0.1:80 | 10.1.0.1:80 > 192.168.0.2:5000 | confirmed",
    "local 10.1.0.1:80 > 192.168.0.2:5000",
  ],
  [
    "snat at input",
    "eth0 tcp 203.0.113.5:40000 > 192.168.0.2:22",
    [base("input", 100, "tcp dport 22 snat to 10.1.0.200:7")],
    "local 10.1.0.200:7 > 192.168.0.2:22",
    "203.0.113.5:40000 > 192.168.0.2:22 | 192.168.0.2:22 > 10.1.0.200:7 | confirmed snat",
    "eth0 192.168.0.2:22 > 203.0.113.5:40000",
  ],
];

describe("a packet and its reply", () => {
  test.each(FORMS)("%s: %s", (_, text, chains, leaves, entry, replyLeaves) => {
    const evaluator = evaluatorOf(...chains);
    const packet = packetText(text);
    const departure = sent(evaluator, packet) as Departure;
    expect(departureText(departure)).toBe(leaves);
    expect(connectionText(departure.connection as ConnectionEntry)).toBe(entry);
    const reply = sent(evaluator, answerTo(departure)) as Departure;
    expect(departureText(reply)).toBe(replyLeaves);
    // The next packet goes as the first one did, though rules of NAT do not see it.
    const next = sent(evaluator, { ...packet, connection: reply.connection as ConnectionEntry }) as Departure;
    expect(tupleText(next.tuple)).toBe(tupleText(departure.tuple));
    for (const each of [packet, answerTo(departure)])
      expect(throughHooks(evaluator, each, NODE).map(({ tuple, connection }) => ({ tuple, connection }))).toEqual([
        { tuple: sent(evaluator, each)?.tuple, connection: sent(evaluator, each)?.connection },
      ]);
  });
});

function departureText({ route, tuple, choices }: Departure): string {
  const to = route.kind === "forward" ? route.interface : route.kind;
  return `${to} ${tupleText(tuple)}${choices.length === 0 ? "" : ` (${choices.map(({ text }) => text).join()})`}`;
}

/** The kernel changes the source of an error, too: who gets it knows the destination that it asked for. */
test.each([
  [
    "about what was masqueraded",
    "cni0 udp 10.1.0.9:5000 > 203.0.113.5:53",
    [POSTROUTING("masquerade")],
    "eth0 icmp 203.0.113.1:0 > 192.168.0.2:0",
    "cni0 203.0.113.1:0 > 10.1.0.9:0",
  ],
  [
    "about what was sent to an endpoint",
    "eth0 tcp 203.0.113.5:40000 > 198.51.100.7:80",
    [PREROUTING("tcp dport 80 dnat to 10.1.0.9:8080")],
    "cni0 icmp 10.1.0.20:0 > 203.0.113.5:0",
    "eth0 198.51.100.7:0 > 203.0.113.5:0",
  ],
])("an ICMP error %s", (_, text, chains, error, leaves) => {
  const evaluator = evaluatorOf(
    ...chains,
    base("forward", 0, "ct state related ct direction reply accept; ct state invalid drop", "filter"),
  );
  const { connection } = sent(evaluator, packetText(text)) as Departure;
  const packet: Packet = { ...packetText(error), ctState: "related-reply", ...(connection && { connection }) };
  const departure = sent(evaluator, packet) as Departure;
  expect(departureText(departure)).toBe(leaves);
  expect(departure.connection?.status).toBe(connection?.status);
});

test("who enters a hook is told of steps, and may stop it", () => {
  const rules = Array.from({ length: 5 }, (_, i) => `meta length > ${i} counter`).join("; ");
  const evaluator = evaluatorOf(base("forward", 0, rules, "filter"));
  const packet = packetText("eth0 tcp 203.0.113.5:40000 > 10.1.0.9:80");
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
    if (steps > 3) throw new Error("enough");
  };
  expect(evaluator.enter("forward", evaluator.start(packet, NODE))).toHaveLength(1);
  expect(() => evaluator.enter("forward", evaluator.start(packet, { ...NODE, spend }))).toThrow("enough");
});

test("hooks that are entered alone", () => {
  const mark = (hook: Hook, value: number) => base(hook, 0, `meta mark set meta mark | ${value}`, "filter");
  const hooks: readonly Hook[] = ["prerouting", "input", "forward", "output", "postrouting"];
  const evaluator = evaluatorOf(...hooks.map((hook, i) => mark(hook, 1 << i)));
  const packet = packetText("eth0 tcp 203.0.113.5:40000 > 10.1.0.9:80");
  for (const [i, hook] of hooks.entries()) {
    const own = hook === "output" ? { ...packet, inInterface: undefined } : packet;
    expect(evaluator.enter(hook, evaluator.start(own, NODE)).map((passage) => passage.mark)).toEqual([1 << i]);
  }
});

test("rules see the interface that the route says, behind masquerading the new source", () => {
  const evaluator = evaluatorOf(
    base("forward", 0, "oifname eth0 meta mark set 1; oifname cni0 meta mark set 2", "filter"),
    POSTROUTING("oifname eth0 masquerade"),
    base("postrouting", 300, "ip saddr 192.168.0.2 udp sport 5000 meta mark set meta mark | 0x10", "filter"),
  );
  expect(sent(evaluator, packetText("cni0 udp 10.1.0.9:5000 > 203.0.113.5:53"))?.mark).toBe(0x11);
  expect(sent(evaluator, packetText("eth0 udp 203.0.113.5:53 > 10.1.0.9:5000"))?.mark).toBe(2);
});

/** Without routes as well: which address masquerading gives is not known then. */
test.each([
  ["snat to 192.168.0.77", "ip saddr 192.168.0.77 drop", ["drop"]],
  ["snat to 192.168.0.77", "ip saddr 10.1.0.9 drop", ["pass"]],
  ["meta l4proto udp snat to :5353", "udp sport 5353 drop", ["drop"]],
  ["ip saddr 10.1.0.0/16 snat prefix to 172.20.0.0/16", "ip saddr 172.20.0.9 drop", ["drop"]],
  ["masquerade", "ip saddr 10.1.0.9 drop", ["drop", "pass"]],
  ["masquerade random", "udp sport 5000 drop", ["drop", "pass"]],
  ["masquerade", "udp sport 5000 drop", ["drop"]],
])("%s: %s: %j", (translation, rule, wanted) => {
  const evaluator = evaluatorOf(POSTROUTING(translation), base("postrouting", 300, rule, "filter"));
  const outcomes = evaluator.evaluateWhole(packetText("cni0 udp 10.1.0.9:5000 > 203.0.113.5:53"), environmentOf([]));
  expect(outcomes.map(({ verdict }) => verdict).sort()).toEqual(wanted);
});

test("the route is asked for by the mark that prerouting leaves", () => {
  const evaluator = evaluatorOf(base("prerouting", -150, "ct state new udp dport 53 meta mark set 7", "filter"));
  const asked: unknown[] = [];
  const environment: Environment = {
    ...environmentOf([]),
    route: ({ at, mark }) => {
      asked.push([at, mark]);
      return { kind: "none" };
    },
  };
  const departure = sent(evaluator, packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53"), environment);
  expect(asked).toEqual([["prerouting", 7]]);
  expect(departure?.route).toEqual({ kind: "none" });
  expect(departure?.connection?.status).toBe(0);
});

test("the node's own packets are routed again where NAT or a chain of type route changes them", () => {
  const asked = (...chains: readonly string[]): unknown[] => {
    const queries: unknown[] = [];
    const route: Environment["route"] = (query) => {
      queries.push([query.at, tupleText(query.tuple), query.mark]);
      return { kind: "forward", interface: "eth0" };
    };
    sent(evaluatorOf(...chains), packetText("own udp 192.168.0.2:5000 > 203.0.113.5:53"), { ...NODE, route });
    return queries;
  };
  const first = ["sending", "192.168.0.2:5000 > 203.0.113.5:53", 0];
  expect(asked(base("output", -150, "meta mark set 7", "filter"))).toEqual([first]);
  expect(asked(base("output", -150, "meta mark set 7", "route"))).toEqual([
    first,
    ["output", "192.168.0.2:5000 > 203.0.113.5:53", 7],
  ]);
  expect(asked(base("output", -100, "udp dport 53 dnat to 10.1.0.9:8053"))).toEqual([
    first,
    ["output", "192.168.0.2:5000 > 10.1.0.9:8053", 0],
  ]);
});

test("a node without an address for it drops what is masqueraded, and what is redirected", () => {
  const route: Environment["route"] = () => ({ kind: "forward", interface: "eth0" });
  const masquerade = evaluatorOf(POSTROUTING("masquerade"));
  const packet = packetText("cni0 udp 10.1.0.9:5000 > 203.0.113.5:53");
  expect(masquerade.evaluateWhole(packet, { ...NODE, route }).map(({ verdict }) => verdict)).toEqual(["drop"]);
  const redirect = evaluatorOf(PREROUTING("redirect"));
  const addressOf = () => undefined;
  expect(redirect.evaluateWhole(packet, { ...NODE, addressOf }).map(({ verdict }) => verdict)).toEqual(["drop"]);
});

test.each<[rules: string, becomes: string, mark: number | undefined]>([
  ["accept", "sent", 0],
  ["meta mark set 7", "sent", 7],
  ["meta mark set jhash ip saddr mod 3", "sent", undefined],
  ["drop", "not sent", undefined],
  ["reject", "not sent", undefined],
])("behind %s a packet is %s, with the mark %s", (rules, becomes, mark) => {
  const [outcome] = evaluatorOf(base("forward", 0, rules, "filter")).evaluateWhole(
    packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53"),
    NODE,
  );
  const [result] = outcome?.results ?? [];
  expect([result?.sent === undefined ? "not sent" : "sent", result?.sent?.mark]).toEqual([becomes, mark]);
});

test("where no routes are known it is not said how packets leave", () => {
  const packet = packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53");
  expect(sent(evaluatorOf(POSTROUTING("masquerade")), packet, environmentOf([]))).toBeUndefined();
});

test.each<[rules: string, first: number, later: number]>([
  ["ct state new counter", 0, 5],
  ["ct mark set 7", 7, 7],
  ["ct mark set jhash ip saddr mod 3", 0, 5], // the mark that it had
])(
  "behind %s the connection of a first packet has the mark %i, that of a later one which had 5 has %i",
  (rules, first, later) => {
    const evaluator = evaluatorOf(base("forward", 0, rules, "filter"));
    const packet = packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53");
    const { connection = expect.unreachable() } = sent(evaluator, packet) ?? {};
    expect(connection.mark).toBe(first);
    const next = sent(evaluator, { ...packet, connection: { ...connection, mark: 5 } });
    expect([next?.connection?.mark, next?.connection?.status]).toEqual([later, connection.status]);
  },
);

test.each(["established", "reply", "invalid", "untracked"] as const)(
  "%s without the connection's entry: none is told",
  (ctState) => {
    const packet: Packet = { ...packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53"), ctState };
    expect(sent(evaluatorOf(POSTROUTING("masquerade")), packet)).toMatchObject({ connection: undefined });
  },
);

test("a packet that comes in has no interface to leave by before its route is known", () => {
  const evaluator = evaluatorOf(base("prerouting", 0, 'oifname "eth0" drop', "filter"));
  expect(sent(evaluator, packetText("eth0 udp 203.0.113.5:40000 > 10.1.0.9:53"))?.mark).toBe(0);
});

test("a node has no connections where no rule makes it track them", () => {
  const evaluator = evaluatorOf(base("forward", 0, "tcp dport 22 drop", "filter"));
  expect(sent(evaluator, packetText("cni0 udp 10.1.0.9:5000 > 203.0.113.5:53"))?.connection).toBeUndefined();
});

test("a packet that is not of the connection that is given is refused", () => {
  const packet = packetText("cni0 udp 10.1.0.9:5000 > 203.0.113.5:53");
  const departure = sent(evaluatorOf(POSTROUTING("masquerade")), packet) as Departure;
  const other = { ...packet, sourcePort: 5001, ...(departure.connection && { connection: departure.connection }) };
  expect(() => evaluatorOf().start(other, NODE)).toThrow("a packet of a connection has one of its tuples");
});
