/** The sysctls of a node that kpc follows: their names, and the values that they take. */

/** Of the host: their greatest value. */
const OF_HOST: ReadonlyMap<string, number> = new Map([
  ["net.bridge.bridge-nf-call-ip6tables", 1],
  ["net.bridge.bridge-nf-call-iptables", 1],
  ["net.ipv4.ip_forward", 1],
]);

/** Of an interface, `all` or `default`, by family: their greatest value. */
const OF_INTERFACE: Readonly<Record<"ipv4" | "ipv6", ReadonlyMap<string, number>>> = {
  ipv4: new Map([
    ["accept_local", 1],
    ["forwarding", 1],
    ["proxy_arp", 1],
    ["route_localnet", 1],
    ["rp_filter", 2],
    ["send_redirects", 1],
  ]),
  ipv6: new Map([["forwarding", 2]]),
};

/** `net.ipv4.conf.eth0.`, and the name behind it. Names of interfaces may have dots. */
const CONF = /^(net\.(ipv4|ipv6)\.conf\..+\.)([^.]+)$/;

/** `text` with dots where it has slashes: `net/ipv4/conf/flannel.1/rp_filter`, or `net.ipv4.conf.flannel/1.rp_filter`, as sysctl
 *  prints it. */
export function sysctlName(text: string): string {
  return text.replaceAll("/", ".");
}

/** The greatest value of the sysctl `name`; undefined: kpc does not know it. */
export function greatestValue(name: string): number | undefined {
  const [, , family, last = ""] = CONF.exec(name) ?? [];
  return family === "ipv4" || family === "ipv6" ? OF_INTERFACE[family].get(last) : OF_HOST.get(name);
}

/** Names that `name` may have been meant to be: those of the host, and of the interface that it names. */
export function sysctlsLike(name: string): readonly string[] {
  const [, start = "", family] = CONF.exec(name) ?? [];
  const own = family === "ipv4" || family === "ipv6" ? [...OF_INTERFACE[family].keys()] : [];
  return [...OF_HOST.keys(), ...own.map((last) => start + last)];
}
