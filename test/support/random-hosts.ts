/** Random hosts, each a state that Linux can be brought into: bridges and their ports, VXLAN, addresses of many kinds, routes of several
 *  tables, policy rules, settings. */
import { required } from "../../compiler/invariant.ts";
import { interfaceOf, loopback, OWN_ONLY, toHost } from "../../compiler/layout/draft.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../compiler/net/address.ts";
import { type Prefix, parsePrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type {
  InterfaceAddress,
  InterfaceSysctls,
  NextHop,
  PolicyRule,
  TableRoute,
} from "../../compiler/network/types.ts";
import { numbersFrom } from "./slots.ts";

const NOWHERE = {};

function address(text: string): Address {
  return required(parseAddress(text), `${text} is an address`);
}

function prefix(text: string): Prefix {
  const found = parsePrefix(text);
  if ("kind" in found) throw new Error(`${text} is no prefix`);
  return found;
}

/** The same seed gives the same host. */
export function randomNode(seed: number): Host {
  return new HostMaker(seed).make();
}

class HostMaker {
  private readonly below: (limit: number) => number;

  constructor(seed: number) {
    this.below = numbersFrom(seed);
  }

  make(): Host {
    const interfaces = this.interfaces();
    const gateways = interfaces.filter(({ isUp, kind }) => isUp && kind !== "loopback" && kind !== "vxlan");
    const host = toHost({
      name: "node/n1",
      role: { kind: "node", node: "n1" },
      interfaces,
      routes: [],
      bridgeNetfilter: { IPv4: this.chance(2), IPv6: this.chance(2) },
      provenance: NOWHERE,
    });
    const routing = (family: Family) => {
      const tables: Record<string, readonly TableRoute[]> = { ...host.routing[family].tables };
      for (let n = this.below(8); n > 0; n--) {
        const table = this.pick(["main", "main", "100", "101"]);
        tables[table] = [...(tables[table] ?? []), this.route(family, n, gateways)];
      }
      return { ...host.routing[family], rules: this.rules(family), tables };
    };
    return { ...host, routing: { IPv4: routing("IPv4"), IPv6: routing("IPv6") } };
  }

  private chance(of: number): boolean {
    return this.below(of) === 0;
  }

  private pick<T>(values: readonly T[]): T {
    return required(values[this.below(values.length)], "there is one");
  }

  private interfaces(): HostInterface[] {
    // Linux has one switch for forwarding over IPv6.
    const forwards = this.chance(2);
    const make = (name: string, kind: HostInterface["kind"], more: Partial<HostInterface> = {}): HostInterface =>
      interfaceOf(name, kind, NOWHERE, {
        mtu: this.pick([1500, 1400, 9000]),
        proxyArp: this.chance(3),
        sysctls: this.sysctls(forwards),
        ...more,
      });
    const state = (): Partial<HostInterface> =>
      this.chance(6) ? { isUp: false } : this.chance(8) ? { lacksCarrier: true } : {};
    const eth0 = make("eth0", "ethernet", { addresses: this.addresses(1, true) });
    const wire = state();
    const eth1 = make("eth1.5", "ethernet", {
      ...wire,
      addresses: this.addresses(2, wire.isUp !== false && wire.lacksCarrier !== true),
    });
    const ports = ["va", "vb"].map((name) => {
      const own = state();
      const isForwarding = own.isUp !== false && own.lacksCarrier !== true;
      return make(name, "ethernet", {
        ...own,
        mtu: 1500,
        port: {
          bridge: "br-0",
          hairpin: this.chance(2),
          isolated: this.chance(3),
          isForwarding,
        },
      });
    });
    const carries = ports.some(({ port }) => port?.isForwarding === true);
    const bridge = make("br-0", "bridge", {
      ...(carries ? {} : { lacksCarrier: true }),
      addresses: this.addresses(3, carries),
      mtu: 1500,
    });
    const remotes = new Map(
      this.chance(2) ? [] : [2, 3].map((n) => [address(`10.244.${n}.0`), address(`10.1.0.${n}`)] as const),
    );
    const vxlan = make("vx.1", "vxlan", {
      mtu: 1400,
      addresses: [{ address: address("10.244.1.0"), length: 32, scope: "global" }],
      tunnel: { local: required(eth0.addresses[0], "an address").address, port: this.pick([8472, 4789]), remotes },
    });
    return [loopback(NOWHERE, { ...loopbackSysctls(forwards) }), eth0, eth1, ...ports, bridge, vxlan];
  }

  private sysctls(forwards: boolean): HostInterface["sysctls"] {
    const IPv4: InterfaceSysctls = {
      forwarding: this.chance(2),
      reversePathFilter: this.pick([0, 1, 2]),
      acceptLocal: this.chance(3),
      routeLocalnet: this.chance(3),
      sendRedirects: this.chance(2),
    };
    return { IPv4, IPv6: { ...OWN_ONLY, forwarding: forwards } };
  }

  /** Addresses in the order in which Linux lists them. Without a carrier Linux makes no routes for those of IPv6. */
  private addresses(n: number, hasIpv6: boolean): InterfaceAddress[] {
    const base = `10.${n}.0`;
    const near: InterfaceAddress[] = this.chance(4)
      ? [{ address: address(`10.${n}.9.1`), length: 24, scope: "link" }]
      : [];
    const own: InterfaceAddress[] = [{ address: address(`${base}.1`), length: 24, scope: "global" }];
    if (this.chance(3))
      own.push({ address: address(`10.${n}.1.1`), length: this.pick([24, 30, 31, 32]), scope: "global" });
    if (this.chance(3))
      own.push({ address: address(`10.${n}.2.1`), length: 32, scope: "global", peer: address(`10.${n}.2.2`) });
    if (this.chance(2)) own.push({ address: address(`${base}.7`), length: 24, scope: "global", isSecondary: true });
    const ipv6: InterfaceAddress[] = [];
    if (hasIpv6 && this.chance(2))
      ipv6.push({ address: address(`2001:db8:${n}::7`), length: 128, scope: "global", isDeprecated: true });
    if (hasIpv6) ipv6.push({ address: address(`2001:db8:${n}::1`), length: 64, scope: "global" });
    if (hasIpv6 && this.chance(2)) ipv6.push({ address: address("fe80::1"), length: 64, scope: "link" });
    return [...(n === 1 ? [] : near), ...own, ...ipv6];
  }

  private route(family: Family, n: number, gateways: readonly HostInterface[]): TableRoute {
    const isIpv4 = family === "IPv4";
    const to = isIpv4 ? prefix(`172.16.${n}.0/24`) : prefix(`2001:db8:ffff:${n}::/64`);
    const metric = this.pick(isIpv4 ? [0, 50, 100] : [50, 1024]);
    const usable = gateways.filter(
      ({ addresses, lacksCarrier }) =>
        lacksCarrier !== true && addresses.some((each) => familyOf(each.address) === family),
    );
    const base = { prefix: to, metric, scope: "global" } as const;
    const kind = this.below(8);
    if (kind < 2)
      return { ...base, kind: this.pick(["blackhole", "unreachable", "prohibit", "throw"] as const), hops: [] };
    const own = this.pick(usable);
    const source = own.addresses.find((each) => familyOf(each.address) === family)?.address;
    const more = {
      ...(this.chance(4) && source !== undefined ? { preferredSource: source } : {}),
      ...(this.chance(4) ? { mtu: 1300 } : {}),
    };
    if (kind === 2)
      return {
        ...base,
        ...more,
        kind: "unicast",
        scope: isIpv4 ? "link" : "global",
        hops: [{ interface: own.name, weight: 1 }],
      };
    const hop = (through: HostInterface, last: number, weight: number): NextHop => {
      const net = through.name === "eth0" ? 1 : through.name === "br-0" ? 3 : 2;
      const gateway = address(isIpv4 ? `10.${net}.0.${last}` : `2001:db8:${net}::${last}`);
      return { interface: through.name, gateway, ...(this.chance(4) ? { isOnLink: true } : {}), weight };
    };
    const hops =
      kind < 6 ? [hop(own, 9, 1)] : [hop(own, 8, 1 + this.below(3)), hop(this.pick(usable), 9, 1 + this.below(3))];
    return { ...base, ...more, kind: "unicast", hops };
  }

  private rules(family: Family): PolicyRule[] {
    const blocks = family === "IPv4" ? ["10.1.0.0/24", "10.3.0.5/32"] : ["2001:db8:1::/64", "2001:db8:3::5/128"];
    const own = Array.from({ length: this.below(5) }, (_, i): PolicyRule => {
      const isTable = !this.chance(4);
      return {
        priority: 1000 + i,
        ...(this.chance(2) ? { from: prefix(this.pick(blocks)) } : {}),
        ...(this.chance(3) ? { to: prefix(this.pick(blocks)) } : {}),
        ...(this.chance(3) ? { mark: { value: 16, mask: this.pick([0xff, 0xffffffff]) } } : {}),
        ...(this.chance(3) ? { inInterface: this.pick(["eth0", "gone0", "lo"]) } : {}),
        ...(this.chance(4) ? { isNegated: true } : {}),
        ...(isTable && this.chance(3) ? { suppressPrefixLength: this.pick([0, 16]) } : {}),
        action: isTable
          ? { kind: "table", table: this.pick(["100", "101", "main"]) }
          : { kind: this.pick(["blackhole", "unreachable", "prohibit"] as const) },
      };
    });
    const local: PolicyRule = { priority: 0, action: { kind: "table", table: "local" } };
    const main: PolicyRule = { priority: 32766, action: { kind: "table", table: "main" } };
    const last: PolicyRule = { priority: 32767, action: { kind: "table", table: "default" } };
    return family === "IPv4" ? [local, ...own, main, last] : [local, ...own, main];
  }
}

function loopbackSysctls(forwards: boolean): HostInterface["sysctls"] {
  return { IPv4: OWN_ONLY, IPv6: { ...OWN_ONLY, forwarding: forwards } };
}
