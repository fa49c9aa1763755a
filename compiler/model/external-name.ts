/** Services of type ExternalName as backends of Ingresses. */
import { parseAddress } from "../net/address.ts";

/** Why a proxy must not send requests to `host`, which the owner of a Service has chosen; undefined: it may. The proxy's own host is
 *  what others must not reach through it. Names that lead there by DNS cannot be told. */
export function refusedExternal(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return `${host} is the proxy's own host`;
  const address = parseAddress(name);
  if (address === undefined) {
    // Resolvers take 127.1, 0x7f.1 and 2130706433 for addresses.
    const last = name.slice(name.lastIndexOf(".") + 1);
    return /^(?:\d+|0x[0-9a-f]*)$/.test(last) ? `${host} is a number, not a name` : undefined;
  }
  const bits = BigInt(address);
  // Of IPv4 addresses in IPv6 the last 32 bits count.
  const isIpv4 = typeof address === "number" || address >> 32n === 0xffffn;
  const first = Number((bits & 0xffffffffn) >> 24n);
  const isOwn = isIpv4 ? first === 127 || first === 0 : bits <= 1n;
  return isOwn ? `${host} is an address of the proxy's own host` : undefined;
}
