/** A large cluster with Ingresses, and requests for it. */

/** How many of what. */
export interface IngressSizes {
  readonly hosts: number;
  /** Of each host. */
  readonly paths: number;
  readonly services: number;
}

/** A request as a server has read it. */
export interface AskedUrl {
  readonly host: string;
  readonly path: string;
}

/** What a request meets: an exact path, a prefix, a prefix of a wildcard, no host, or no path of its host. */
export type UrlKind = "exact" | "prefix" | "wildcard" | "no host" | "no path";

/** One host in ten is a wildcard. Every second host has a path for all that is left; one in two has paths that no other host has, the rest have
 *  the same ones. */
const isWildcard = (host: number): boolean => host % 10 === 3;
const hasRoot = (host: number): boolean => host % 4 < 2;
const hasOwnPaths = (host: number): boolean => host % 2 === 0;

const nameOf = (host: number): string => `app-${host}.team-${host % 100}.example.com`;
const EXACT = 1;

function pathOf(host: number, path: number): string {
  if (path === 0 && hasRoot(host)) return "/";
  return hasOwnPaths(host) ? `/app-${host}/v${path}/items` : `/api/v${path}/items`;
}

/** A List of Services, slices and Ingresses as JSON. Ten hosts are in an Ingress; each path of a host leads to another Service. */
export function ingressManifests({ hosts, paths, services }: IngressSizes): string {
  const objects: object[] = [];
  for (let service = 0; service < services; service++) {
    const name = `s-${service}`;
    const address = `10.${1 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}`;
    objects.push(
      { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { clusterIP: "None", ports: [{ port: 80 }] } },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        endpoints: [{ addresses: [address] }],
        ports: [{ port: 8080 }],
      },
    );
  }
  for (let first = 0; first < hosts; first += 10)
    objects.push({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: `i-${first}` },
      spec: {
        rules: Array.from({ length: Math.min(10, hosts - first) }, (_, i) => ({
          host: `${isWildcard(first + i) ? "*." : ""}${nameOf(first + i)}`,
          http: {
            paths: Array.from({ length: paths }, (_, path) => ({
              path: pathOf(first + i, path),
              pathType: path === EXACT ? "Exact" : "Prefix",
              backend: { service: { name: `s-${((first + i) * paths + path) % services}`, port: { number: 80 } } },
            })),
          },
        })),
      },
    });
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
}

const random = (count: number): number => Math.floor(Math.random() * count);

/** A random request of a kind. */
function requestOf(kind: UrlKind, { hosts, paths }: IngressSizes): AskedUrl {
  let host = random(hosts);
  while (isWildcard(host) !== (kind === "wildcard") || (kind === "no path" && hasRoot(host))) host = random(hosts);
  const name = nameOf(host);
  const path = `${pathOf(host, EXACT + 1 + random(paths - EXACT - 1))}/${random(1000)}?page=${random(9)}`;
  switch (kind) {
    case "exact":
      return { host: name, path: pathOf(host, EXACT) };
    case "prefix":
      return { host: name, path };
    case "wildcard":
      return { host: `tenant-${random(5000)}.${name}`, path };
    case "no host":
      return { host: name.replace(/com$/, "org"), path };
    case "no path":
      return { host: name, path: `/assets/${random(1000)}.js` };
  }
}

/** Three in ten requests are for exact paths, four for prefixes, and one of each other kind. */
const MIX: readonly UrlKind[] = [
  "exact",
  "exact",
  "exact",
  "prefix",
  "prefix",
  "prefix",
  "prefix",
  "wildcard",
  "no host",
  "no path",
];

/** A kind of request by chance. */
export function anyKind(): UrlKind {
  return MIX[random(MIX.length)] ?? "prefix";
}

/** Random requests, whose texts nobody has looked at: parts of heads of requests that were read just now. */
export function requestsRead(count: number, kindOf: () => UrlKind, sizes: IngressSizes): AskedUrl[] {
  return Array.from({ length: count }, () => {
    const { host, path } = requestOf(kindOf(), sizes);
    const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`);
    const head = bytes.toString("latin1");
    const from = head.indexOf("Host: ") + 6;
    return { host: head.slice(from, head.indexOf("\r", from)), path: head.slice(4, head.indexOf(" ", 4)) };
  });
}
