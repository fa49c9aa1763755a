/** What clients of a lab get, from its text. */
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { LabTrouble } from "./lab-helper.ts";

export type LabAnswer =
  /** The server was reached, and has seen the client as this. `forwardedFor`: as a proxy of HTTP has told it. */
  | { readonly kind: "served"; readonly address: Address; readonly port: number; readonly forwardedFor?: Address }
  /** Of HTTP, by who is no server of the lab. */
  | { readonly kind: "status"; readonly status: number }
  /** `handshake`: the server has refused the TLS handshake. */
  | { readonly kind: "echo" | "silence" | "handshake" }
  /** `number`: as in errno(3). */
  | { readonly kind: "error"; readonly number: number };

/** Reads what the helper or a server has said. Throws LabTrouble where it is nothing that they say. */
export function readAnswer(answer: string): LabAnswer {
  const [word, first = "", second = ""] = answer.split(" ");
  switch (word) {
    case "saw": {
      const address = readAddress(first);
      if (address === undefined) throw new LabTrouble(`a server has said ${answer}`);
      return { kind: "served", address, port: Number(second) };
    }
    case "echo":
    case "silence":
    case "handshake":
      return { kind: word };
    case "error":
      return { kind: "error", number: Number(first) };
    default: {
      const read = readHttpAnswer(answer);
      if (read === undefined) throw new LabTrouble(`a server has said ${answer}`);
      return read;
    }
  }
}

/** Undefined: it is no answer of HTTP. */
function readHttpAnswer(text: string): LabAnswer | undefined {
  const [, status] = /^HTTP\/1\.[01] (\d{3}) /.exec(text) ?? [];
  if (status === undefined) return undefined;
  const [, seen = "", port, client = ""] = /\r\n\r\n\S+ saw (\S+) (\d+)\n(?:for (\S+)\n)?$/.exec(text) ?? [];
  const address = readAddress(seen);
  if (address === undefined) return { kind: "status", status: Number(status) };
  const forwardedFor = readAddress(client);
  return { kind: "served", address, port: Number(port), ...(forwardedFor === undefined ? {} : { forwardedFor }) };
}

/** Sockets for both families have IPv4 addresses in those of IPv6. */
function readAddress(text: string): Address | undefined {
  return parseAddress(text.replace(/^::ffff:/, ""));
}
