/** Which certificate each host gets at a port of Gateways. */
import { coversHost } from "../certificates/covers.ts";
import type { Report } from "../diagnostics.ts";
import type { TlsHost, TlsTable } from "../ir/routes.ts";
import type { ServedListener } from "../model/gateway-types.ts";
import { coversHostname, hostnameRank } from "../model/hostnames.ts";
import { compareBy } from "../order.ts";
import { certificateOf } from "./tls.ts";

/** A host of a listener gets its first certificate; one of the others where that has a name for the host. A listener without
 *  a hostname gives the default certificate. Reports `certificate-host`. */
export function lowerListenerTls(listeners: readonly ServedListener[], report: Report): TlsTable {
  const hosts = new Map<string, TlsHost>();
  const add = (row: TlsHost): void => {
    if (!hosts.has(row.host)) hosts.set(row.host, row);
  };
  for (const { hostname, certificates, origin } of listeners) {
    const [first] = certificates;
    if (hostname !== undefined && first !== undefined) {
      add({
        host: hostname,
        ...(hostname.startsWith("*.") ? { labels: "any" as const } : {}),
        certificate: first.name,
        origin,
      });
      if (!certificates.some(({ leaf }) => coversHost(leaf, hostname))) {
        const message = `certificate ${first.name} is not valid for ${hostname}: clients refuse it`;
        report({ severity: "warning", code: "certificate-host", message, origin });
      }
    }
    if (certificates.length < 2) continue;
    for (const { name: certificate, leaf } of certificates)
      for (const name of leaf.names)
        if (coversHostname(hostname, name) && name !== hostname) add({ host: name, certificate, origin });
  }
  const fallback = listeners.find(({ hostname }) => hostname === undefined)?.certificates[0]?.name;
  const all = new Map(listeners.flatMap(({ certificates }) => certificates.map((each) => [each.name, each] as const)));
  return {
    certificates: [...all.values()].sort(compareBy(({ name }) => name)).map(certificateOf),
    hosts: [...hosts.values()].sort(
      compareBy(
        ({ host }) => hostnameRank(host),
        ({ host }) => host,
      ),
    ),
    ...(fallback === undefined ? {} : { fallback }),
  };
}
