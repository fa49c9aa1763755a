/** What becomes of a request before its connection is followed: its rules, and to whom it is sent. */
import type { Origin } from "../../diagnostics.ts";
import type { PlaceData } from "../../documents/render.ts";
import { printAddress, printAddressPort } from "../../net/address.ts";
import { placeAt, printPlaceView } from "../view.ts";
import type { TellingContext } from "../walk/walk-names.ts";
import type { ResolvedRequest } from "./request.ts";
import { routeData, routeLines } from "./told.ts";

/** A request as data: that of `kpc whatis`, and who takes it. */
export interface RequestData {
  readonly method: string;
  /** The Host header. */
  readonly hostHeader: string;
  /** Others that were given. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
  /** As `kpc whatis -o json` has it. */
  readonly route: object;
  readonly address: Partial<PlaceData> & { readonly address: string; readonly port: number; readonly text: string };
  readonly proxy: Partial<PlaceData> & {
    /** `NAMESPACE/NAME`; null: none. */
    readonly service: string | null;
    readonly inferred?: string;
    readonly instances: readonly {
      readonly name: string;
      readonly host: string;
      readonly addresses: readonly string[];
      readonly ports: readonly { readonly scheme: string; readonly port: number }[];
    }[];
  };
}

/** The rules that the request meets, as `kpc whatis` tells them; the address that it is sent to; the proxy's pods. */
export function renderRequest(resolved: ResolvedRequest, { names }: Pick<TellingContext, "names">): string {
  const { text, decision, shown: certificate, early, proxy, entrance, flow } = resolved;
  const { url, method, host, headers } = text;
  const all = [...(host === undefined ? [] : [{ name: "Host", value: host }]), ...headers];
  const header = all.length === 0 ? "" : ` ${all.map(({ name, value }) => `${name}: ${value}`).join(", ")}`;
  const instances = proxy.instances.map(({ name }) => name);
  const shown = instances.slice(0, MOST_SHOWN).join(", ");
  const more = instances.length > MOST_SHOWN ? ` and ${instances.length - MOST_SHOWN} more` : "";
  const { inferred, origin } = proxy.provenance;
  const rows = [
    ["address", `${printAddressPort(entrance.address, entrance.port)}, ${entrance.words}`, placeText(entrance.origin)],
    ["proxy", `${shown}${more}`, inferred === undefined ? placeText(origin) : `(inferred: ${inferred})`],
  ];
  const width = Math.max(...rows.map(([, cell = ""]) => cell.length));
  const lines = rows.map(([head = "", cell = "", place = ""]) =>
    `${head.padEnd(7)}  ${cell.padEnd(width)}   ${place}`.trimEnd(),
  );
  return [
    `${method} ${url.scheme}://${url.authority}${url.request.target}${header} (${flow.from})`,
    "",
    ...routeLines(resolved.request, decision, names.addresses, certificate, early),
    "",
    ...lines,
    "",
    "",
  ].join("\n");
}

const MOST_SHOWN = 5;

function placeText(origin: Origin | undefined): string {
  return origin === undefined ? "" : printPlaceView(placeAt(origin));
}

/** What becomes of a request, as data. */
export function requestToData(
  { text, request, decision, shown, early, proxy, entrance }: ResolvedRequest,
  { names }: Pick<TellingContext, "names">,
): RequestData {
  const { service, instances, provenance } = proxy;
  return {
    method: text.method,
    hostHeader: request.host ?? "",
    ...(text.headers.length === 0 ? {} : { headers: text.headers }),
    route: routeData(text.url, decision, names.addresses, shown, early),
    address: {
      address: printAddress(entrance.address),
      port: entrance.port,
      text: entrance.words,
      ...placeData(entrance.origin),
    },
    proxy: {
      service: service === undefined ? null : `${service.meta.namespace}/${service.meta.name}`,
      ...(provenance.inferred === undefined ? {} : { inferred: provenance.inferred }),
      ...placeData(provenance.origin),
      instances: instances.map(({ name, host, addresses, listeners }) => ({
        name,
        host,
        addresses: addresses.map(printAddress),
        ports: listeners.map(({ scheme, port }) => ({ scheme, port })),
      })),
    },
  };
}

function placeData(origin: Origin | undefined): Partial<PlaceData> {
  if (origin === undefined) return {};
  const { file, line, column } = placeAt(origin);
  return { file, line, column };
}
