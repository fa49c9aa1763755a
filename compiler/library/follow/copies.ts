/** Which Services of a cluster are copies of others, for `tabulate`: it walks rules for one Service of each form. */
import type { Compiled } from "../../compile.ts";
import { contributionsOf, withoutServices } from "../../lower/lower.ts";
import { type Address, FAMILIES, isLoopback } from "../../net/address.ts";
import type { NodeView } from "../../node/view.ts";
import { type Copy, type CopyOf, NO_COPIES } from "../../tabulate/copies.ts";
import { servicesIn } from "./by-form.ts";
import { Claims } from "./claims.ts";
import { type ServiceForm, ServiceForms } from "./forms.ts";

/** The copies in what was compiled: Services of one form but the first, where no Service meets another. */
export function copiesIn({ program, view, specs, node, settings }: Omit<Compiled, "served">): CopyOf {
  const own = new Set<Address>(node.addresses);
  const isLocal = (address: Address): boolean => own.has(address) || isLoopback(address);
  const claims = new Claims(specs, isLocal);
  if (claims.doMeet) return NO_COPIES;
  const forms = new ServiceForms(withoutServices(program.ruleset), isLocal);
  const firsts = new Map<string, ServiceForm>();
  const copies = new Map<Address, readonly [first: ServiceForm, own: ServiceForm]>();
  for (const service of servicesIn(view)) {
    if (!FAMILIES.every((family) => claims.isAlone(service[family]))) continue;
    const form = forms.formOf(service, contributionsOf(service, settings));
    if (form === undefined) continue;
    const first = firsts.get(form.text);
    if (first === undefined) firsts.set(form.text, form);
    else for (const address of frontendsOf(service)) copies.set(address, [first, { ...form, text: "" }]);
  }
  return (address) => {
    const [first, form] = copies.get(address) ?? [];
    return first && form && copyOf(address, first, form);
  };
}

function* frontendsOf(service: NodeView): Generator<Address> {
  for (const family of FAMILIES)
    for (const { clusterIp, externalIps, loadBalancerIps } of service[family]) {
      yield clusterIp;
      for (const { address } of externalIps) yield address;
      for (const { address } of loadBalancerIps) yield address;
    }
}

function copyOf(address: Address, first: ServiceForm, form: ServiceForm): Copy | undefined {
  const example = first.addresses[form.addresses.indexOf(address)];
  if (example === undefined) return undefined;
  return {
    example,
    addresses: new Map(first.addresses.map((each, i) => [each, form.addresses[i] as Address])),
    labels: new Map(first.labels.map((each, i) => [each, form.labels[i] as string])),
  };
}
