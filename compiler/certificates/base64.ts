/** Base64 as the API has it in Secrets. */

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes that `text` stands for (RFC 4648, padded; line ends do not count, as in Go); undefined where it is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const plain = text.replace(/[\r\n]/g, "");
  if (!BASE64.test(plain)) return undefined;
  return Uint8Array.from(atob(plain), (char) => char.charCodeAt(0));
}
