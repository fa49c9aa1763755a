/** Listeners of Gateways in a table of routes: a text of JSON, as in the IR, with the places of their rules. */
import { lineAndColumn } from "../../diagnostics.ts";
import type { ListeningPort, RequestRule } from "../../ir/routes.ts";
import { listenerToJson } from "../ir/print.ts";

/** The text for `listeners`: a list of `{listener, origins}`, where `origins` has `file:line:col` or null for each rule of each host. Empty
 *  where there are none. */
export function listenersText(listeners: readonly ListeningPort[] = []): string {
  if (listeners.length === 0) return "";
  return JSON.stringify(
    listeners.map((listener) => ({
      listener: listenerToJson(withoutShadowed(listener)),
      origins: listener.hosts.map(({ paths }) => paths.map(placeOf)),
    })),
  );
}

/** `listener` without the rules that are never used. */
function withoutShadowed({ hosts, ...listener }: ListeningPort): ListeningPort {
  const used = ({ shadowed: _, ...rule }: RequestRule): RequestRule => rule;
  return { ...listener, hosts: hosts.map(({ paths, ...host }) => ({ ...host, paths: paths.map(used) })) };
}

function placeOf({ origin }: RequestRule): string | null {
  if (origin === undefined) return null;
  const span = origin.span();
  const { line, column } = lineAndColumn(span);
  return `${span.source.name}:${line}:${column}`;
}
