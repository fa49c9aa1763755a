/** What maps say alone: backends, and lists of rules, by the names that kpc gives them. */
import type { Report, Source } from "../../diagnostics.ts";
import type { ListeningPort, RouteShare, RouteTarget } from "../../ir/routes.ts";
import { printHaproxy } from "./print.ts";
import { hostsOf } from "./read-listeners.ts";
import { type PortRows, readMapFile } from "./read-maps.ts";
import { mapFile } from "./shape.ts";

/** What a backend of this name is for, where kpc gave the name. */
export function targetNamed(name: string): RouteTarget {
  const [, status] = /^status-(404|503)$/.exec(name) ?? [];
  if (status !== undefined) return answer(status === "404" ? 404 : 503);
  return { kind: "endpoints", backend: backendNamed(name), endpoints: [] };
}

/** The target of a backend with which HAProxy answers itself. */
export function answer(status: 404 | 503): RouteTarget {
  return { kind: "status", status, reason: "HAProxy answers itself" };
}

/** `shop/web:80` for `shop.web.80`. */
export function backendNamed(name: string): string {
  return name.replace(/^([^.]+)\.([^.]+)\.([^.]+)$/, "$1/$2:$3");
}

function endNamed(name: string): RouteShare["target"] {
  if (name === "status-500") return { kind: "status", status: 500, reason: "HAProxy answers itself" };
  return targetNamed(name);
}

/** The listeners of these maps; what a list of rules does is not known, but its name. Undefined where a row is not understood: `haproxy-map`. */
export function readNamedListeners(ports: ReadonlyMap<number, PortRows>, report: Report): ListeningPort[] | undefined {
  let failed = false;
  const tell: Report = (finding) => {
    failed = true;
    report(finding);
  };
  const listeners = [...ports].map(([port, rows]): ListeningPort => {
    const input = { rowsOf: (name: keyof PortRows) => rows[name], targetOf: endNamed, changes: new Map() };
    const hosts = hostsOf(port, { lists: undefined, depths: undefined, spares: false }, input, tell);
    return { port, protocol: "http", hosts };
  });
  return failed ? undefined : listeners;
}

/** Listeners as the maps that kpc writes for them tell them. */
export function asNamed(listeners: readonly ListeningPort[]): ListeningPort[] {
  const { files } = printHaproxy([], { listeners });
  const rowsOf = (port: number): PortRows => {
    const of = (name: keyof PortRows) => {
      const source: Source = { name: mapFile(name, port), text: files.get(mapFile(name, port)) ?? "" };
      return readMapFile(source, () => undefined);
    };
    return { hosts: of("hosts"), wildcards: of("wildcards"), exact: of("exact"), prefixes: of("prefixes") };
  };
  const served = listeners.filter(({ port }) => files.has(mapFile("hosts", port)));
  const named = readNamedListeners(new Map(served.map(({ port }) => [port, rowsOf(port)])), () => undefined) ?? [];
  return named.map((listener) => ({
    ...listener,
    protocol: listeners.find(({ port }) => port === listener.port)?.protocol ?? listener.protocol,
    // These maps are nowhere: nobody could look there.
    hosts: listener.hosts.map(({ origin: _, paths, ...host }) => ({
      ...host,
      paths: paths.map(({ origin: __, ...rule }) => rule),
    })),
  }));
}
