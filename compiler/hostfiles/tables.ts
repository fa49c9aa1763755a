/** The route tables and policy rules of a node. */
import { type Family, familyOf } from "../net/address.ts";
import { automaticRoutes, FIRST_RULES } from "../network/automatic-routes.ts";
import type { HostInterface } from "../network/network.ts";
import type { PolicyRule, TableRoute } from "../network/types.ts";
import type { HostFacts } from "./facts.ts";

/** The policy rules of a family: those that Linux starts with, where no file has them. */
export function policyRulesOf({ policyRules }: HostFacts, family: Family): readonly PolicyRule[] {
  const inferred = "no file has the policy rules: those that Linux starts with";
  return policyRules[family] ?? FIRST_RULES[family].map((rule) => ({ ...rule, provenance: { inferred } }));
}

/** The tables of a family. Where no file has the table local, or no route at all, those are in it that Linux makes for the addresses
 *  of the interfaces. */
export function tablesOf(
  { routes }: HostFacts,
  interfaces: readonly HostInterface[],
  family: Family,
): Readonly<Record<string, readonly TableRoute[]>> {
  const tables: Record<string, TableRoute[]> = {};
  const add = (table: string, route: TableRoute): void => {
    tables[table] ??= [];
    tables[table].push(route);
  };
  for (const each of routes) if (each.family === family) add(each.table, each.route);
  const { local: hasLocal, main: hasMain } = tables;
  const inferred = "no file has it: Linux makes it for an address of the interface";
  if (hasLocal === undefined)
    for (const own of interfaces)
      for (const route of automaticRoutes(own, family)) {
        const { origin } = own.addresses.find(({ address }) => familyOf(address) === family)?.provenance ?? {};
        const made = { ...route, provenance: { ...(origin === undefined ? {} : { origin }), inferred } };
        if (route.kind !== "unicast") add("local", made);
        else if (hasMain === undefined) add("main", made);
      }
  return tables;
}
