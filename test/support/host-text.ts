/** A host as text: a line for each fact, with the place that it is known from. */
import { type Diagnostic, printPlace } from "../../compiler/diagnostics.ts";
import { FAMILIES, printAddress } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { Provenance } from "../../compiler/network/provenance.ts";
import type { InterfaceSysctls, PolicyRule, TableRoute } from "../../compiler/network/types.ts";

export function hostText({ interfaces, routing, bridgeNetfilter, settings }: Host): string {
  const lines = [
    ...interfaces.flatMap(interfaceLines),
    ...FAMILIES.flatMap((family) => [
      `${family}, bridges give packets to rules: ${bridgeNetfilter[family]}`,
      ...routing[family].rules.map((rule) => `  ${policyRuleText(rule)}${placeText(rule.provenance)}`),
      ...Object.entries(routing[family].tables).flatMap(([table, routes]) =>
        routes.map((route) => `  ${routeText(table, route)}${placeText(route.provenance)}`),
      ),
    ]),
    ...Object.entries(settings).map(([name, provenance]) => `${name}${placeText(provenance)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function placeText(provenance: Provenance | undefined): string {
  const { origin, inferred } = provenance ?? {};
  return `${origin === undefined ? "" : `   ${printPlace(origin.span())}`}${inferred === undefined ? "" : `   inferred: ${inferred}`}`;
}

function interfaceLines(own: HostInterface): string[] {
  const { name, kind, isUp, lacksCarrier, mtu, addresses, sysctls, proxyArp, port, tunnel, provenance } = own;
  const state = !isUp ? "down" : lacksCarrier === true ? "up without carrier" : "up";
  return [
    `${name} ${kind} ${state} mtu ${mtu}${proxyArp ? " proxy_arp" : ""}${placeText(provenance)}`,
    ...addresses.map((each) => {
      const more = [
        each.isSecondary && "secondary",
        each.isDeprecated && "deprecated",
        each.peer && `peer ${printAddress(each.peer)}`,
      ];
      const words = [`${printAddress(each.address)}/${each.length}`, each.scope, ...more.filter(Boolean)];
      return `  ${words.join(" ")}${placeText(each.provenance)}`;
    }),
    ...FAMILIES.map((family) => `  ${family}: ${sysctlText(sysctls[family])}`),
    ...(port === undefined
      ? []
      : [
          `  port of ${port.bridge}: hairpin ${port.hairpin} isolated ${port.isolated} forwarding ${port.isForwarding}${placeText(port.provenance)}`,
        ]),
    ...(tunnel === undefined
      ? []
      : [
          `  tunnel from ${printAddress(tunnel.local)} port ${tunnel.port ?? "-"}${placeText(tunnel.provenance)}`,
          ...[...tunnel.remotes].map(([hop, remote]) => `    ${printAddress(hop)} at ${printAddress(remote)}`),
        ]),
  ];
}

function sysctlText(sysctls: InterfaceSysctls): string {
  return Object.entries(sysctls)
    .map(([name, value]) => `${name} ${value}`)
    .join(" ");
}

function policyRuleText({
  priority,
  isNegated,
  from,
  to,
  mark,
  inInterface,
  suppressPrefixLength,
  action,
}: PolicyRule): string {
  const words = [
    `${priority}:`,
    isNegated === true && "not",
    from && `from ${printPrefix(from)}`,
    to && `to ${printPrefix(to)}`,
    mark && `mark ${mark.value}/${mark.mask}`,
    inInterface && `iif ${inInterface}`,
    action.kind === "table" ? `table ${action.table}` : action.kind,
    suppressPrefixLength !== undefined && `suppress ${suppressPrefixLength}`,
  ];
  return words.filter(Boolean).join(" ");
}

export function routeText(table: string, route: TableRoute): string {
  const { kind, prefix, metric, scope, hops, preferredSource, mtu, isAutomatic } = route;
  const ways = hops.map(({ interface: name, gateway, isOnLink, weight }) =>
    [
      gateway !== undefined && `via ${printAddress(gateway)}`,
      name,
      weight !== 1 && `weight ${weight}`,
      isOnLink && "onlink",
    ]
      .filter(Boolean)
      .join(" "),
  );
  const words = [
    `${table}: ${kind} ${printPrefix(prefix)} metric ${metric} scope ${scope}`,
    preferredSource !== undefined && `src ${printAddress(preferredSource)}`,
    mtu !== undefined && `mtu ${mtu}`,
    isAutomatic && "automatic",
    ways.join(", "),
  ];
  return words.filter(Boolean).join(" ");
}

/** `file-1:1:5 error code: message`. */
export function findingText({ severity, code, message, origin }: Diagnostic): string {
  return `${origin === undefined ? "" : `${printPlace(origin.span())} `}${severity} ${code}: ${message}`;
}
