/** Names of keys: equal where packets have equal keys, whatever rules have done to them. */
import { expect, test } from "vitest";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import { type Branch, mappedTo, type SharedState, startState } from "../../../compiler/evaluate/state.ts";
import { symbolOf } from "../../../compiler/evaluate/symbol.ts";
import type { Expression } from "../../../compiler/ir/types.ts";
import { ipv4, PACKET } from "../../support/ir.ts";

const { shared: SHARED, branches } = startState(alone(PACKET), environmentOf([]), true);
const [BRANCH = expect.unreachable()] = branches;

type Change = Partial<SharedState & Pick<Branch, "destination" | "destinationPort">>;

function named(expression: Expression, change: Change = {}): string | undefined {
  return symbolOf(expression, { ...SHARED, ...change }, { ...BRANCH, ...change });
}

const ip = (field: "saddr" | "daddr"): Expression => ({ kind: "ip", field });
const port = (field: "sport" | "dport"): Expression => ({ kind: "transport", protocol: "tcp", field });
const meta = (key: Extract<Expression, { kind: "meta" }>["key"]): Expression => ({ kind: "meta", key });
const ct = (key: Extract<Expression, { kind: "ct" }>["key"]): Expression => ({ kind: "ct", key });
const fib = (of: "saddr" | "daddr"): Expression => ({ kind: "fib", of, result: "type" }) as Expression;
const masked = (operand: Expression, mask: number, xor: number): Expression => ({
  kind: "bitwise",
  operand,
  mask,
  xor,
});
const TWO = ipv4("10.0.0.2") as SharedState["source"];
const EVEN = mappedTo("daddr", 0xfffffffe, 0);
const chosen = (of: SharedState["choices"][number]["of"]): Change => ({
  choices: [{ of } as SharedState["choices"][number]],
});

test.each<[expression: Expression, change: Change, name: string | undefined]>([
  [ip("saddr"), {}, "ip saddr"],
  [ip("saddr"), { source: TWO }, "10.0.0.2"],
  [ip("saddr"), { source: "daddr" }, "ip daddr"],
  [ip("saddr"), { source: EVEN }, "ip daddr & 4294967294 ^ 0"],
  [ip("saddr"), chosen("address"), "ip saddr by then"],
  [ip("saddr"), chosen("port"), "ip saddr"],
  [ip("daddr"), {}, "ip daddr"],
  [ip("daddr"), { destination: TWO }, "10.0.0.2"],
  [ip("daddr"), { destination: EVEN }, "ip daddr & 4294967294 ^ 0"],
  [ip("daddr"), chosen("address"), "ip daddr"],
  [ip("daddr"), { overwritten: new Set(["ip daddr"]) }, "ip daddr by then"],
  [{ kind: "ip6", field: "saddr" }, {}, "ip saddr"],
  [{ kind: "ip6", field: "saddr" }, chosen("address"), "ip6 saddr by then"],
  [{ kind: "ip6", field: "daddr" }, chosen("address"), "ip daddr"],
  [port("sport"), {}, "sport"],
  [port("sport"), { sourcePort: 7 }, "port 7"],
  [port("sport"), chosen("port"), "tcp sport by then"],
  [port("sport"), chosen("address"), "sport"],
  [port("dport"), {}, "dport"],
  [port("dport"), { destinationPort: 7 }, "port 7"],
  [port("dport"), chosen("port"), "dport"],
  [meta("iifname"), {}, '"eth0"'],
  [meta("iif"), {}, '"eth0"'],
  [meta("oifname"), {}, "meta oifname"],
  [meta("mark"), {}, "meta mark 0"],
  [meta("mark"), { mark: { field: "mark" } }, "meta mark mark undefined undefined"],
  [meta("mark"), { overwritten: new Set(["meta mark"]) }, "meta mark by then"],
  [meta("l4proto"), {}, "protocol 6"],
  [meta("priority"), { priority: 5 }, "meta priority 5"],
  [ct("mark"), { ctMark: 3 }, "ct mark 3"],
  [ct("status"), { ctStatus: 1 }, "ct status 1"],
  [ct("state"), { ctState: 8 }, "ct state 8"],
  [ct("state"), { ctState: mappedTo("ctstate", 1, 0) }, "ct state ctstate & 1 ^ 0"],
  [ct("original-daddr"), { destination: TWO }, "ct original-daddr"],
  [ct("reply-saddr"), {}, "ct reply-saddr daddr dport false"],
  [
    ct("reply-saddr"),
    { destination: EVEN, destinationPort: 7, masqueraded: true },
    "ct reply-saddr daddr & 4294967294 ^ 0 7 true",
  ],
  [fib("saddr"), { source: TWO }, "fib type of 10.0.0.2"],
  [fib("saddr"), chosen("address"), "fib saddr type by then"],
  [fib("daddr"), { source: TWO }, "fib type of ip daddr"],
  [fib("daddr"), chosen("address"), "fib type of ip daddr"],
  [masked(port("dport"), 1, 2), {}, "(dport & 1 ^ 2)"],
  [masked({ kind: "numgen", mode: "random", modulus: 2, offset: 0 }, 1, 2), {}, undefined],
  [{ kind: "concat", parts: [ip("daddr"), port("dport")] }, {}, "ip daddr . dport"],
  [{ kind: "concat", parts: [ip("daddr"), { kind: "numgen", mode: "random", modulus: 2, offset: 0 }] }, {}, undefined],
  [{ kind: "opaque", text: "ip ttl" }, {}, "ip ttl"],
])("%j behind %j", (expression, change, name) => {
  expect(named(expression, change)).toBe(name);
});
