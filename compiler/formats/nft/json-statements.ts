/** Statements of libnftables-json(5) in nft's words. */
import {
  counterText,
  expressionText,
  isObjectOf,
  isVerdictJson,
  type JsonValue,
  memberOf,
  object,
  quoted,
  secondsText,
  UnknownJson,
  verdictText,
  word,
} from "./json-expressions.ts";

/** The text of a statement as nft lists it. Throws `UnknownJson`. */
export function statementText(value: JsonValue): string {
  const [kind, body] = memberOf(value);
  if (isVerdictJson(kind)) return verdictText(value);
  const write = WRITERS[kind];
  if (write === undefined) throw new UnknownJson(value);
  return write(body);
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
}

/** Flags of which one is enough are listed by commas; a mask of flags with the value before it. */
function match(body: JsonValue): string {
  const { op, left, right } = object(body);
  const operator = word(op);
  if (operator === "in") return `${expressionText(left)} ${expressionText(right)}`;
  const name = isObjectOf(left) ? Object.keys(left)[0] : "";
  const key = isObjectOf(left) ? (left["meta"] ?? left["ct"]) : undefined;
  const isName = isObjectOf(key) && /^([io](?:ifname|brname|ifkind)|day|hour|time|helper)$/.test(String(key["key"]));
  const value = isName && typeof right === "string" && !right.startsWith("@") ? quoted(right) : expressionText(right);
  // Flags without an operator would ask for any of them.
  const isPlain = operator === "==" && !(name === "&" || Array.isArray(right));
  return `${expressionText(left)} ${isPlain ? "" : `${operator} `}${value}`;
}

function nat(name: string): (body: JsonValue) => string {
  return (body) => {
    const { family, addr, port, flags, type_flags } = isObjectOf(body) ? body : {};
    const hasFamily = family !== undefined;
    const types = listOf(type_flags).map(word);
    const target = addr === undefined ? "" : addressText(addr);
    const ports = port === undefined ? "" : `:${expressionText(port)}`;
    const prefix = types.includes("prefix") ? ["prefix"] : types.includes("interval") ? ["interval"] : [];
    // What `prefix` says already.
    const plain =
      flags === undefined
        ? []
        : listOf(flags)
            .map(word)
            .filter((flag) => flag !== "netmap");
    return [
      name,
      ...(hasFamily ? [word(family)] : []),
      ...prefix,
      ...(target === "" && ports === "" ? [] : ["to", `${target}${ports}`]),
      ...(plain.length === 0 ? [] : [plain.join(",")]),
    ].join(" ");
  };
}

function addressText(value: JsonValue): string {
  const text = expressionText(value);
  return /^[0-9a-f]*:[0-9a-f:]*$/i.test(text) ? `[${text}]` : text;
}

function limit(body: JsonValue): string {
  if (typeof body === "string") return `limit name ${quoted(body)}`;
  const { rate, rate_unit, per, burst, burst_unit, inv } = object(body);
  const unit = rate_unit === undefined || rate_unit === "packets" ? "" : ` ${word(rate_unit)}`;
  const burstUnit = burst_unit === undefined || burst_unit === "packets" ? "packets" : word(burst_unit);
  const isUsual = burst === undefined || (burst === 5 && unit === "") || (burst === 0 && unit !== "");
  return [
    "limit rate",
    ...(inv === true ? ["over"] : []),
    `${word(rate)}${unit}/${word(per)}`,
    ...(isUsual ? [] : [`burst ${word(burst)} ${burstUnit}`]),
  ].join(" ");
}

function log(body: JsonValue): string {
  const { prefix, group, snaplen, level, flags } = isObjectOf(body) ? body : {};
  const queue = isObjectOf(body) ? body["queue-threshold"] : undefined;
  return [
    "log",
    ...(prefix === undefined ? [] : [`prefix ${quoted(word(prefix))}`]),
    ...(group === undefined ? [] : [`group ${word(group)}`]),
    ...(snaplen === undefined ? [] : [`snaplen ${word(snaplen)}`]),
    ...(queue === undefined ? [] : [`queue-threshold ${word(queue)}`]),
    ...(level === undefined ? [] : [`level ${word(level)}`]),
    ...logFlags(listOf(flags ?? []).map(word)),
  ].join(" ");
}

/** `tcp sequence` and `tcp options` are one list, the others one each. */
function logFlags(flags: readonly string[]): string[] {
  const ofTcp = flags.flatMap((flag) => /^tcp (.*)$/.exec(flag)?.[1] ?? []);
  const others = flags.filter((flag) => !flag.startsWith("tcp "));
  return [...(ofTcp.length === 0 ? [] : [`flags tcp ${ofTcp.join(",")}`]), ...others.map((flag) => `flags ${flag}`)];
}

function reject(body: JsonValue): string {
  if (!isObjectOf(body) || body["type"] === undefined) return "reject";
  const type = word(body["type"]);
  if (type === "tcp reset") return "reject with tcp reset";
  const code = body["expr"] === undefined ? "port-unreachable" : expressionText(body["expr"]);
  return `reject with ${type} type ${code}`;
}

function update(body: JsonValue): string {
  const { op, elem, set, stmt, data, map } = object(body);
  const name = word(set ?? map);
  const statements = listOf(stmt).map(statementText);
  const value = data === undefined ? "" : ` : ${expressionText(data)}`;
  return `${word(op)} ${name.startsWith("@") ? name : `@${name}`} { ${[expressionText(elem), ...statements].join(" ")}${value} }`;
}

function queue(body: JsonValue): string {
  const { num, flags } = isObjectOf(body) ? body : {};
  return [
    "queue",
    ...(flags === undefined ? [] : [`flags ${listOf(flags).map(word).join(",")}`]),
    ...(num === undefined
      ? []
      : [typeof num === "object" && !isQueueRange(num) ? `to ${expressionText(num)}` : `num ${expressionText(num)}`]),
  ].join(" ");
}

function isQueueRange(value: JsonValue): boolean {
  return isObjectOf(value) && value["range"] !== undefined;
}

function sendTo(name: string): (body: JsonValue) => string {
  return (body) => {
    const { addr, dev, family } = object(body);
    const target = addr ?? dev;
    return [
      name,
      ...(family === undefined ? [] : [word(family)]),
      ...(target === undefined ? [] : ["to", expressionText(target)]),
      ...(addr !== undefined && dev !== undefined ? ["device", expressionText(dev)] : []),
    ].join(" ");
  };
}

const WRITERS: Readonly<Record<string, (body: JsonValue) => string>> = {
  match,
  counter: counterText,
  mangle: (body) => {
    const { key, value } = object(body);
    return `${expressionText(key)} set ${expressionText(value)}`;
  },
  vmap: (body) => {
    const { key, data } = object(body);
    return `${expressionText(key)} vmap ${expressionText(data)}`;
  },
  dnat: nat("dnat"),
  snat: nat("snat"),
  masquerade: nat("masquerade"),
  redirect: nat("redirect"),
  tproxy: nat("tproxy"),
  reject,
  limit,
  log,
  set: update,
  map: update,
  queue,
  notrack: () => "notrack",
  dup: sendTo("dup"),
  fwd: sendTo("fwd"),
  last: (body) => {
    const used = isObjectOf(body) ? body["used"] : undefined;
    return used === undefined ? "last" : `last used ${secondsText(used)}`;
  },
  quota: (body) => {
    if (typeof body === "string") return `quota name ${quoted(body)}`;
    const { val, val_unit, inv, used, used_unit } = object(body);
    return [
      "quota",
      ...(inv === true ? ["over"] : []),
      `${word(val)} ${word(val_unit ?? "bytes")}`,
      ...(used === undefined || used === 0 ? [] : [`used ${word(used)} ${word(used_unit ?? "bytes")}`]),
    ].join(" ");
  },
  "ct count": (body) => {
    const { val, inv } = object(body);
    return `ct count ${inv === true ? "over " : ""}${word(val)}`;
  },
  "ct helper": (body) => `ct helper set ${quoted(word(body))}`,
  "ct timeout": (body) => `ct timeout set ${quoted(word(body))}`,
  "ct expectation": (body) => `ct expectation set ${quoted(word(body))}`,
  flow: (body) => {
    const { op, flowtable } = object(body);
    return `flow ${word(op)} ${word(flowtable)}`;
  },
  xt: (body) => {
    const { type, name } = isObjectOf(body) ? body : {};
    if (type === undefined || name === undefined) throw new UnknownJson(body);
    return `xt ${word(type)} ${quoted(word(name))}`;
  },
  synproxy: (body) => {
    if (typeof body === "string") return `synproxy name ${quoted(body)}`;
    const { mss, wscale, flags } = isObjectOf(body) ? body : {};
    return [
      "synproxy",
      ...(mss === undefined ? [] : [`mss ${word(mss)}`]),
      ...(wscale === undefined ? [] : [`wscale ${word(wscale)}`]),
      ...listOf(flags).map(word),
    ].join(" ");
  },
};
