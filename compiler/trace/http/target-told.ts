/** Where rules lead requests, as people and programs read it. */

import type { HttpRequest } from "../../evaluate/http-route.ts";
import { locationOf } from "../../evaluate/request-changes.ts";
import { unreachable } from "../../invariant.ts";
import { filterWords, shareWords, totalOf } from "../../ir/request-words.ts";
import type { RequestRule, RequestTarget, RouteShare } from "../../ir/routes.ts";
import { printAddress, printAddressPort } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import type { AddressNames } from "../names.ts";

/** A request that a rule has taken: what redirects and rewritten paths depend on. */
export interface TakenRequest {
  readonly request: HttpRequest;
  /** Undefined: no rule takes it. */
  readonly rule: RequestRule | undefined;
}

/** Where the request goes, with the endpoints; of several backends each with its share. */
export function endLines(target: RequestTarget, { request, rule }: TakenRequest, names: AddressNames): string[] {
  switch (target.kind) {
    case "status":
    case "endpoints":
      return endpointLines(target, "=>", names);
    case "redirect":
      return [`=> ${target.status}: redirected to ${locationOf(target, rule?.path ?? "/", request)}`];
    case "shares":
      return target.shares.flatMap((share) => [
        ...endpointLines(share.target, `=> ${shareWords(share, target.shares)}:`, names),
        ...(share.filters ?? []).map((filter) => `     ${filterWords(filter)}`),
      ]);
    default:
      return unreachable(target);
  }
}

function endpointLines(target: RouteShare["target"], arrow: string, names: AddressNames): string[] {
  if (target.kind === "status") return [`${arrow} ${target.status}: ${target.reason}`];
  const { backend, endpoints, draining = [], external } = target;
  if (external !== undefined) return [`${arrow} ${backend}, outside of the cluster: ${external.host}:${external.port}`];
  const texts = endpoints.map(({ address, port }) => printAddressPort(address, port));
  const width = Math.max(...texts.map(({ length }) => length));
  return [
    `${arrow} ${backend}, one of ${endpoints.length} ${endpoints.length === 1 ? "endpoint" : "endpoints"}`,
    ...endpoints.map(({ address, port }, i) => {
      const text = (texts[i] ?? "").padEnd(width);
      const { pod, node } = names.of({ address, port, protocol: PROTOCOL_NUMBERS.tcp });
      const name = pod === undefined ? "" : `   pod/${pod}${node === undefined ? "" : ` on ${node}`}`;
      return `     ${text}${name}`.trimEnd();
    }),
    ...(draining.length === 0
      ? []
      : [
          `     no new clients: ${draining.map(({ address, port }) => printAddressPort(address, port)).join(", ")} (terminating)`,
        ]),
  ];
}

/** Where the request goes, as data. */
export function targetData(target: RequestTarget, { request, rule }: TakenRequest, names: AddressNames): object {
  switch (target.kind) {
    case "status":
      return { status: target.status, reason: target.reason };
    case "endpoints":
      return {
        backend: target.backend,
        ...(target.external && { external: target.external }),
        endpoints: target.endpoints.map(({ address, port }) => ({
          address: printAddress(address),
          port,
          ...names.of({ address, port, protocol: PROTOCOL_NUMBERS.tcp }),
        })),
      };
    case "redirect":
      return { status: target.status, location: locationOf(target, rule?.path ?? "/", request) };
    case "shares":
      return {
        shares: target.shares.map((share) => ({
          weight: share.weight,
          probability: share.weight / totalOf(target.shares),
          ...targetData(share.target, { request, rule }, names),
          ...(share.filters && { filters: share.filters }),
        })),
      };
    default:
      return unreachable(target);
  }
}
