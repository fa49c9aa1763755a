/** The state as the fragment of a link, and back. Nothing is sent: a fragment stays in the browser. */
import { VIEWS } from "../protocol.ts";
import type { PageState } from "./state.ts";

/** The first character says which version the rest is of. */
const VERSION = "1";

/** The most characters that a link may have, and bytes that it may unfold to. */
export const LONGEST_LINK = 32_000;
const MOST_BYTES = 2 * 2 ** 20;

/** `1` and the base64url text of the compressed JSON. */
export async function toFragment({ files, question, branch, mode, view, node, open }: PageState): Promise<string> {
  const text = JSON.stringify({ files, question, branch, mode, view, node, open });
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  return `${VERSION}${encode(bytes)}`;
}

/** Throws `LinkError` for what is none of ours. */
export async function fromFragment(fragment: string): Promise<PageState> {
  if (fragment[0] !== VERSION) throw new LinkError("this link is from another version of the page");
  const text = await unfolded(fragment.slice(1));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LinkError("this link is damaged");
  }
  return checked(value);
}

export class LinkError extends Error {}

async function unfolded(base64url: string): Promise<string> {
  try {
    const bytes = await through(decode(base64url), new DecompressionStream("deflate-raw"));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof LinkError) throw error;
    throw new LinkError("this link is damaged: it may have been cut off");
  }
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > MOST_BYTES) throw new LinkError("this link holds more than 2 MB");
    parts.push(part.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function encode(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** A link is written by a stranger: each member is looked at. */
function checked(value: unknown): PageState {
  const refuse = (): never => {
    throw new LinkError("this link holds something else than a state of this page");
  };
  if (typeof value !== "object" || value === null) return refuse();
  const { files, question, branch, mode, view, node, open } = value as Record<string, unknown>;
  if (!Array.isArray(files) || typeof question !== "string" || typeof node !== "string" || typeof open !== "string")
    return refuse();
  const read = files.map((file: unknown) => {
    const { name, text } = (file ?? {}) as Record<string, unknown>;
    return typeof name === "string" && typeof text === "string" ? { name, text } : refuse();
  });
  const shown = VIEWS.find((each) => each === view);
  if (shown === undefined || (mode !== "nftables" && mode !== "iptables")) return refuse();
  return {
    files: read,
    before: read,
    question,
    branch: typeof branch === "number" ? branch : 0,
    mode,
    node,
    view: shown,
    open,
  };
}
