/** What a flow through the cluster is expected to do, as its file says it. */
import {
  asArray,
  asObject,
  asOneOf,
  asString,
  asStringOrArray,
  type Context,
  reportField,
  reportInvalid,
  reportType,
} from "../../documents/decode.ts";
import type { Field } from "../../documents/field.ts";
import { nearest } from "../../documents/nearest.ts";
import { isObject } from "../../documents/show.ts";
import { checkMembers } from "../../documents/unknown-members.ts";
import { parseAddress } from "../../net/address.ts";
import { parsePort } from "../../net/port.ts";
import type { Located } from "../../specs/located.ts";
import {
  type DeliveredTo,
  LOST_ENDS,
  REPLY_ENDS,
  type Receiver,
  SEEN_AS,
  type SeenAs,
  type WalkExpectation,
} from "./types.ts";

export const WALK_EXPECT_MEMBERS: ReadonlySet<string> = new Set([
  "delivered",
  "seenAs",
  "reply",
  "via",
  "ends",
  "probability",
  "status",
]);

/** `expect` of a flow, which may be a request. Reports what is wrong, also members that contradict each other. */
export function decodeWalkExpectation(
  context: Context,
  field: Field | undefined,
  isOfRequest = false,
): WalkExpectation | undefined {
  if (field === undefined || asObject(context, field) === undefined) return undefined;
  checkMembers(context, field, WALK_EXPECT_MEMBERS);
  const located = <T>(key: string, decode: (context: Context, at: Field) => T | undefined): Located<T> | undefined => {
    const at = field.get(key);
    const value = at && decode(context, at);
    return at === undefined || value === undefined ? undefined : { value, field: at };
  };
  const expectation: WalkExpectation = {
    delivered: located("delivered", decodeDelivered),
    seenAs: located("seenAs", decodeSeenAs),
    reply: located("reply", (inner, at) => asOneOf(inner, at, REPLY_ENDS)),
    via: located("via", decodeNames),
    ends: located("ends", (inner, at) => asOneOf(inner, at, LOST_ENDS)),
    probability: located("probability", decodeProbability),
    status: located("status", decodeStatus),
  };
  if (expectation.status !== undefined && !isOfRequest)
    forbid(context, expectation.status.field, "only requests have it");
  if ([...WALK_EXPECT_MEMBERS].every((key) => field.get(key) === undefined))
    reportInvalid(context, field, `must say something: ${[...WALK_EXPECT_MEMBERS].join(", ")}`);
  reportContradictions(context, expectation);
  return expectation;
}

function reportContradictions(context: Context, { delivered, ends, status, ...others }: WalkExpectation): void {
  const isLost = delivered?.value.kind === "nobody" || ends !== undefined || status !== undefined;
  if (status !== undefined && delivered !== undefined && delivered.value.kind !== "nobody")
    forbid(context, status.field, "the proxy does not answer a request that it passes on");
  if (status !== undefined && ends !== undefined)
    forbid(context, ends.field, "a request that the proxy answers is not lost");
  if (ends !== undefined && delivered !== undefined && delivered.value.kind !== "nobody")
    forbid(context, ends.field, "a packet that is delivered does not end so");
  if (!isLost) return;
  const reply = status === undefined ? others.reply : undefined;
  for (const each of [others.seenAs, reply, others.probability])
    if (each !== undefined) forbid(context, each.field, "nobody gets the packet");
}

function forbid(context: Context, field: Field, why: string): void {
  reportField(context, field, "forbidden-field", `Forbidden: ${why}`);
}

/** A status that the proxy answers with by itself. */
function decodeStatus(context: Context, field: Field): number | undefined {
  const { value } = field;
  if (typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599) return value;
  reportInvalid(context, field, "must be a status of HTTP, such as 404");
  return undefined;
}

function decodeDelivered(context: Context, field: Field): DeliveredTo | undefined {
  const { value } = field;
  if (value === false) return { kind: "nobody" };
  if (typeof value === "number") {
    if (Number.isInteger(value) && value > 0) return { kind: "count", count: value };
    reportInvalid(context, field, "must be how many get the packet, at least 1 (false: nobody)");
    return undefined;
  }
  if (typeof value === "string" || Array.isArray(value)) {
    const hosts = asStringOrArray(context, field).flatMap((item) => decodeReceiver(context, item));
    if (Array.isArray(value) && value.length === 0)
      reportInvalid(context, field, "must name who gets the packet (false: nobody)");
    return { kind: "hosts", hosts };
  }
  if (isObject(value)) {
    const labels = new Map<string, string>();
    for (const key of Object.keys(value)) {
      const text = asString(context, field.member(key));
      if (text !== undefined) labels.set(key, text);
    }
    if (Object.keys(value).length === 0) reportInvalid(context, field, "must have at least one label");
    return { kind: "labels", labels };
  }
  reportType(context, field, "list of pods, labels, number or false");
  return undefined;
}

function decodeReceiver(context: Context, field: Field): Located<Receiver>[] {
  const text = asString(context, field);
  if (text === undefined) return [];
  const [, name = "", portText] = /^([^:]+)(?::([^:]*))?$/.exec(text) ?? [];
  const port = portText === undefined ? undefined : parsePort(portText);
  if (name !== "" && (portText === undefined || port !== undefined)) return [{ value: { name, port }, field }];
  reportInvalid(context, field, "must be who gets the packet, such as web-1, pod/shop/web-1 or web-1:8080");
  return [];
}

/** One for all receivers, or a list, where each receiver sees one of it. */
function decodeSeenAs(context: Context, field: Field): readonly SeenAs[] | undefined {
  if (!Array.isArray(field.value)) {
    const only = decodeOneSeenAs(context, field);
    return only === undefined ? undefined : [only];
  }
  const items = asArray(context, field);
  if (items.length === 0) reportInvalid(context, field, `must not be empty: ${SEEN_AS.join(", ")} or an IP address`);
  const all = items.flatMap((item) => decodeOneSeenAs(context, item) ?? []);
  return all.length === 0 ? undefined : all;
}

function decodeOneSeenAs(context: Context, field: Field): SeenAs | undefined {
  const text = asString(context, field);
  if (text === undefined) return undefined;
  const word = SEEN_AS.find((each) => each === text);
  if (word !== undefined) return word;
  const address = parseAddress(text);
  if (address !== undefined) return { address };
  const near = nearest(text, SEEN_AS);
  const hint = near === undefined ? "" : `, did you mean ${near}?`;
  reportInvalid(context, field, `must be ${SEEN_AS.join(", ")} or an IP address${hint}`);
  return undefined;
}

function decodeNames(context: Context, field: Field): readonly Located<string>[] {
  return asArray(context, field).flatMap((item) => {
    const value = asString(context, item);
    return value === undefined ? [] : [{ value, field: item }];
  });
}

/** A number, or what traces print: `1 in 3`. */
function decodeProbability(context: Context, field: Field): number | undefined {
  const { value } = field;
  const [, part, of] = (typeof value === "string" && /^([0-9]+) in ([0-9]+)$/.exec(value)) || [];
  const chance = part === undefined || of === undefined ? value : Number(part) / Number(of);
  if (typeof chance === "number" && chance > 0 && chance <= 1) return chance;
  reportInvalid(context, field, "must be the chance of each receiver: above 0 and at most 1, or a text such as 1 in 3");
  return undefined;
}
