/** Ports as the kinds that have them write them. */

import {
  type Context,
  NEWER,
  newerWordOf,
  reportDuplicate,
  reportInvalid,
  reportMissing,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { asPort, type Port } from "../net/port.ts";
import type { Protocol } from "../net/protocol.ts";
import { dns1123LabelProblems } from "./names.ts";

export const PORT_RANGE = "must be between 1 and 65535, inclusive";

/** The words of the API for protocols, in its order. */
const PROTOCOL_WORDS = ["SCTP", "TCP", "UDP"] as const;

const PROTOCOL_BY_WORD: Readonly<Record<(typeof PROTOCOL_WORDS)[number], Protocol>> = {
  SCTP: "sctp",
  TCP: "tcp",
  UDP: "udp",
};

/** Member `protocol` of `field`; absent means TCP. Undefined for a protocol of a newer API: the port is then left out, since no
 *  rules can be made for it. */
export function decodeProtocol(
  context: Context,
  field: Field,
  protocol: string | null | undefined,
): Protocol | undefined {
  const given = protocol === "" ? undefined : protocol;
  const effect = "kpc leaves this port out";
  const word = newerWordOf(context, field, "protocol", given, PROTOCOL_WORDS, effect, { onlyStored: true });
  return word === NEWER ? undefined : PROTOCOL_BY_WORD[word ?? "TCP"];
}

/** `TCP`, as people write it. */
export function protocolWord(protocol: Protocol): string {
  return protocol.toUpperCase();
}

/** The port number that the member `key` of `field` has to be. */
export function decodePort(
  context: Context,
  field: Field,
  key: string,
  number: number | null | undefined,
): Port | undefined {
  if (number === undefined || number === null) {
    reportMissing(context, field, key);
    return undefined;
  }
  const port = asPort(number);
  if (port === undefined) reportInvalid(context, field.member(key), PORT_RANGE);
  return port;
}

/** A port number that may be absent; 0 counts as absent. */
export function decodeOptionalPort(
  context: Context,
  field: Field,
  key: string,
  number: number | null | undefined,
): Port | undefined {
  return number === 0 || number === undefined || number === null ? undefined : decodePort(context, field, key, number);
}

/** Checks the names of the ports in `list`: a DNS label each, none empty where `required`, none twice where `unique`. */
export function checkPortNames(
  context: Context,
  list: Field,
  ports: readonly { readonly name?: string | null }[],
  { required, unique }: { readonly required: boolean; readonly unique: boolean },
): void {
  const firsts = unique && ports.length > 1 ? new Map<string, number>() : undefined;
  for (const [index, port] of ports.entries()) {
    const name = port.name ?? "";
    if (name !== "") {
      for (const problem of dns1123LabelProblems(name))
        reportInvalid(context, list.item(index).member("name"), problem);
    } else if (required) {
      reportMissing(context, list.item(index), "name");
      continue;
    }
    const first = firsts?.get(name);
    if (first === undefined) {
      firsts?.set(name, index);
    } else {
      const at = (position: number): Field => (name === "" ? list.item(position) : list.item(position).member("name"));
      reportDuplicate(context, at(index), at(first), name);
    }
  }
}
