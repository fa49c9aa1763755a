/** PEM (RFC 7468): bytes in text, between lines that say what they are. */
import { decodeBase64 } from "./base64.ts";

/** One `-----BEGIN LABEL-----` … `-----END LABEL-----`. */
export interface PemBlock {
  readonly label: string;
  /** Lines such as `Proc-Type: 4,ENCRYPTED`, which old formats of keys have before the bytes. */
  readonly headers: readonly string[];
  /** Undefined: what stands between the lines is not base64. */
  readonly bytes: Uint8Array | undefined;
  /** The block as it stands, with a line end. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----/g;

/** The blocks of `text`, in their order; what stands around them is left out. */
export function pemBlocks(text: string): readonly PemBlock[] {
  return [...text.matchAll(BLOCK)].map(([, label = "", body = ""]): PemBlock => {
    const lines = body.split(/\r?\n/).map((line) => line.trim());
    const headers = lines.filter((line) => line.includes(":"));
    const bytes = decodeBase64(lines.filter((line) => !line.includes(":")).join(""));
    const shown = lines.filter((line, i) => line !== "" || (headers.length > 0 && i === headers.length));
    return { label, headers, bytes, text: `-----BEGIN ${label}-----\n${shown.join("\n")}\n-----END ${label}-----\n` };
  });
}
