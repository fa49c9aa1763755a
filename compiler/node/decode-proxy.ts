/** Settings of the HTTP proxy: the member `haproxy`. */
import { asBoolean, asInteger, asObject, asOneOf, asString, type Context, reportInvalid } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { checkMembers } from "../documents/unknown-members.ts";
import { parseAddress, printAddress } from "../net/address.ts";
import { parsePort } from "../net/port.ts";
import {
  type HaproxySettings,
  MOST_SPARES,
  PATH_SAFETIES,
  type ProxyTimeouts,
  TIMEOUT_NAMES,
} from "../proxy-settings.ts";

const MEMBERS = [
  "pathSafety",
  "httpsRedirect",
  "http2",
  "proxyProtocol",
  "accessLog",
  "metrics",
  "spareBackends",
  "timeouts",
] as const;

/** The settings at `field`; undefined where there are none. */
export function decodeHaproxySettings(context: Context, field: Field | undefined): HaproxySettings | undefined {
  const object = asObject(context, field);
  if (object === undefined) return undefined;
  checkMembers(context, object, new Set<string>(MEMBERS satisfies readonly (keyof HaproxySettings)[]));
  const settings = {
    pathSafety: asOneOf(context, object.get("pathSafety"), PATH_SAFETIES),
    httpsRedirect: asBoolean(context, object.get("httpsRedirect")),
    http2: asBoolean(context, object.get("http2")),
    proxyProtocol: asBoolean(context, object.get("proxyProtocol")),
    accessLog: asBoolean(context, object.get("accessLog")),
    metrics: decodeListener(context, object.get("metrics")),
    spareBackends: decodeCount(context, object.get("spareBackends")),
    timeouts: decodeTimeouts(context, object.get("timeouts")),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as HaproxySettings;
}

/** ADDRESS:PORT, with IPv6 addresses in brackets; as kpc spells it. */
function decodeListener(context: Context, field: Field | undefined): string | undefined {
  const text = asString(context, field);
  if (text === undefined || field === undefined) return undefined;
  const [, v6, v4, digits = ""] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  const address = parseAddress(v6 ?? v4 ?? "");
  const port = parsePort(digits);
  if (address === undefined || port === undefined || (v6 === undefined) !== (typeof address === "number")) {
    reportInvalid(context, field, "must be an address and a port, such as 127.0.0.1:8404 or [::1]:8404");
    return undefined;
  }
  return typeof address === "number" ? `${printAddress(address)}:${port}` : `[${printAddress(address)}]:${port}`;
}

function decodeCount(context: Context, field: Field | undefined): number | undefined {
  const count = asInteger(context, field);
  if (count === undefined || field === undefined || (count >= 0 && count <= MOST_SPARES)) return count;
  reportInvalid(context, field, `must be a number from 0 to ${MOST_SPARES}`);
  return undefined;
}

function decodeTimeouts(context: Context, field: Field | undefined): ProxyTimeouts | undefined {
  const object = asObject(context, field);
  if (object === undefined) return undefined;
  checkMembers(context, object, new Set<string>(TIMEOUT_NAMES));
  const entries = TIMEOUT_NAMES.flatMap((name): [string, string][] => {
    const time = object.get(name);
    const text = asString(context, time);
    if (text === undefined || time === undefined) return [];
    if (/^[1-9]\d{0,6}(?:ms|s|m|h)$/.test(text)) return [[name, text]];
    reportInvalid(context, time, "must be a time, such as 500ms, 30s, 5m or 1h");
    return [];
  });
  return Object.fromEntries(entries);
}
