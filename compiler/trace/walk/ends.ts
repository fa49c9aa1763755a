/** What the ends of a flow are called, and what each name stands for. */

import { nearest } from "../../documents/nearest.ts";
import type { NetworkLayout } from "../../layout/types.ts";
import type { Address } from "../../net/address.ts";
import type { Host } from "../../network/network.ts";
import type { ServiceSpec, Specs } from "../../specs/types.ts";
import { KIND_ALIASES } from "../suggest.ts";

/** What a name stands for. */
export type EndTarget =
  /** `host` undefined: a Pod without a place in the network. */
  | { readonly kind: "host"; readonly name: string; readonly host: Host | undefined }
  | { readonly kind: "service"; readonly name: string; readonly service: ServiceSpec }
  /** `host` undefined: packets to the load balancer's addresses are routed to nodes as they are. */
  | {
      readonly kind: "balancer";
      readonly name: string;
      readonly service: ServiceSpec;
      readonly host: Host | undefined;
    };

/** What was found for a text: one target; several, by their whole names; or none. */
export type FoundEnd =
  | { readonly target: EndTarget }
  | { readonly target?: undefined; readonly candidates: readonly string[] };

/** All names that ends of flows can have in one network. */
export class EndNames {
  private readonly targets = new Map<string, EndTarget>();
  private readonly layout: NetworkLayout;

  constructor(specs: Pick<Specs, "pods" | "services" | "nodes">, layout: NetworkLayout) {
    this.layout = layout;
    const { hosts } = layout.network;
    const add = (target: EndTarget): void => void this.targets.set(target.name, target);
    for (const { meta } of specs.pods) {
      const name = `pod/${meta.namespace}/${meta.name}`;
      add({ kind: "host", name, host: hosts.get(layout.aliases.get(name) ?? name) });
    }
    for (const { name, role } of hosts.values()) {
      if (role.kind === "switch" || role.kind === "load-balancer") continue;
      add({ kind: "host", name, host: hosts.get(name) });
    }
    for (const service of specs.services) {
      const own = `${service.meta.namespace}/${service.meta.name}`;
      add({ kind: "service", name: `svc/${own}`, service });
      const name = `lb/${own}`;
      const host = hosts.get(name);
      if (service.type === "LoadBalancer" || host !== undefined) add({ kind: "balancer", name, service, host });
    }
  }

  /** The end that `text` names: in whole, or in short where that is clear. */
  find(text: string): FoundEnd {
    if (text === "internet") {
      const first = [...this.targets.values()].find(({ name }) => name.startsWith("outside/"));
      return first === undefined ? { candidates: [] } : { target: first };
    }
    const whole = this.targets.get(inFull(text));
    if (whole !== undefined) return { target: whole };
    const meant = [...this.targets.keys()].filter((name) => isShortFor(inFull(text), name));
    const [only, more] = meant;
    const target = only === undefined || more !== undefined ? undefined : this.targets.get(only);
    return target === undefined ? { candidates: meant } : { target };
  }

  /** A name that `text` may be a slip of. */
  nearest(text: string): string | undefined {
    const names = [...this.targets.keys(), "internet", "localhost"];
    const wanted = inFull(text);
    return nearest(wanted, names) ?? this.sameLast(wanted) ?? this.nearestShort(wanted);
  }

  /** The host that has `address`; of those that hosts share none. */
  hostWith(address: Address): Host | undefined {
    for (const host of this.layout.network.hosts.values())
      if (
        host.interfaces.some((each) => each.addresses.some((own) => own.address === address && own.scope === "global"))
      )
        return host;
    return undefined;
  }

  private sameLast(text: string): string | undefined {
    const last = lastOf(text);
    return [...this.targets.keys()].find((name) => lastOf(name) === last);
  }

  private nearestShort(text: string): string | undefined {
    const names = [...this.targets.keys()];
    const short = nearest(text, names.flatMap(shortFormsOf));
    return short === undefined ? undefined : names.find((name) => shortFormsOf(name).includes(short));
  }
}

/** Whether people may mean `name` by `text`. */
function isShortFor(text: string, name: string): boolean {
  return shortFormsOf(name).includes(text);
}

/** `name` without its namespace, its kind or both. Who means a load balancer says so: its Service has the same name. */
function shortFormsOf(name: string): string[] {
  const [kind = "", ...rest] = name.split("/");
  const last = rest.at(-1) ?? "";
  return [`${kind}/${last}`, ...(kind === "lb" ? [] : [last, ...(rest.length > 1 ? [rest.join("/")] : [])])];
}

function lastOf(name: string): string {
  return name.split("/").at(-1) ?? name;
}

/** `text` with kpc's word for its kind; a name of DNS (`api.shop.svc.cluster.local`) as the Service's. */
function inFull(text: string): string {
  const [, service, namespace] = /^([a-z][a-z0-9-]*)\.([a-z0-9-]+)\.svc(?:\..*)?$/.exec(text) ?? [];
  if (service !== undefined && namespace !== undefined) return `svc/${namespace}/${service}`;
  const [kind = "", ...rest] = text.split("/");
  return rest.length === 0 ? text : [KIND_ALIASES.get(kind) ?? kind, ...rest].join("/");
}

/** The global addresses of a host, in its interfaces' order. */
export function addressesOf({ interfaces }: Pick<Host, "interfaces">): Address[] {
  return interfaces.flatMap((each) =>
    each.addresses.filter(({ scope }) => scope === "global").map(({ address }) => address),
  );
}
