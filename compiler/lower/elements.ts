/** Services and endpoints as elements of sets and maps: the part of the ruleset that grows with the cluster. */
import { invariant, unreachable } from "../invariant.ts";
import { mergeIntervals } from "../ir/interval.ts";
import type { Interval, KeyPart, MapElement, SetElement, Value, Verdict } from "../ir/types.ts";
import { type ServiceEndpoint, servicePortName } from "../model/types.ts";
import type { Address } from "../net/address.ts";
import { type Prefix, prefixRange } from "../net/prefix.ts";
import { PROTOCOL_NUMBERS, PROTOCOLS, type Protocol } from "../net/protocol.ts";
import type { Settings } from "../node/settings.ts";
import type { AddressFrontend, Frontend } from "./frontends.ts";
import { Identities } from "./identities.ts";
import {
  affinitySet,
  type EndpointListKind,
  endpointsMap,
  type FrontendKey,
  forwardMap,
  LIST_CAPACITY,
  LIST_OFFSET,
  masqueradeMap,
  NAME,
  pickChain,
  stickyEndpointsMap,
  stickySlotsMap,
} from "./names.ts";

/** A chain that picks among the endpoints of one list. All frontends with equally many endpoints share it. */
export interface Pick {
  readonly key: FrontendKey;
  readonly list: EndpointListKind;
  readonly count: number;
  readonly protocol: Protocol;
  readonly affinitySeconds: number | undefined;
}

/** Everything in one family that comes from the Services. */
export interface ServiceElements {
  /** Elements of the maps, by map name; a map without elements is absent. */
  readonly maps: ReadonlyMap<string, readonly MapElement[]>;
  readonly sets: ReadonlyMap<string, readonly SetElement[]>;
  /** By name of the chain. */
  readonly picks: ReadonlyMap<string, Pick>;
  /** Protocols of the frontends, in the order of `PROTOCOLS`. */
  readonly protocols: readonly Protocol[];
  /** Timeouts of session affinity, rising. */
  readonly affinitySeconds: readonly number[];
  /** Some frontend may be one of its own endpoints. */
  readonly translatesToSelf: boolean;
}

/** The elements for `frontends`, all of one family. */
export function collectElements(frontends: readonly Frontend[], settings: Settings): ServiceElements {
  const collector = new Collector(settings);
  for (const frontend of frontends) collector.add(frontend);
  return collector.finish();
}

class Collector {
  private readonly settings: Settings;
  private readonly maps = new Map<string, MapElement[]>();
  private readonly sets = new Map<string, SetElement[]>();
  private readonly picks = new Map<string, Pick>();
  private readonly protocols = new Set<Protocol>();
  private readonly affinity = new Set<number>();
  private readonly identities = new Identities();
  private readonly clusterIps = new Set<Address>();
  private readonly hairpins = new Set<Address>();
  private readonly sticky = new Set<string>();
  private translatesToSelf = false;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  finish(): ServiceElements {
    return {
      maps: this.maps,
      sets: this.sets,
      picks: new Map([...this.picks].sort(([a], [b]) => (a < b ? -1 : 1))),
      protocols: PROTOCOLS.filter((protocol) => this.protocols.has(protocol)),
      affinitySeconds: [...this.affinity].sort((a, b) => a - b),
      translatesToSelf: this.translatesToSelf,
    };
  }

  add(frontend: Frontend): void {
    this.protocols.add(frontend.service.protocol);
    if (frontend.kind === "node-port") {
      this.addNodePort(frontend);
    } else {
      this.addAddress(frontend);
    }
    this.addMasquerade(frontend);
  }

  private addAddress(frontend: AddressFrontend): void {
    const { service, address, port, dispatch, unserved } = frontend;
    const key = [address, PROTOCOL_NUMBERS[service.protocol], port];
    if (frontend.kind === "cluster-ip" && !this.clusterIps.has(address)) {
      this.clusterIps.add(address);
      this.addToSet(NAME.clusterIps, {
        key: [address],
        comment: `${service.namespace}/${service.name}`,
        origin: service.clusterIpOrigin,
      });
    }
    const ranged = this.addSourceRanges(frontend, key);
    const verdict = this.dispatchVerdict(frontend, "address", ranged);
    if (verdict !== undefined) this.addToMap(ranged ? NAME.sourceRanged : NAME.services, frontend, key, verdict);
    if (verdict !== undefined && ranged)
      this.addToMap(NAME.services, frontend, key, { kind: "jump", chain: NAME.sourceRanged });
    if (dispatch.kind === "by-source") {
      this.addToMap(NAME.externalCluster, frontend, key, this.pickVerdict(frontend, "address", "cluster"));
      if (service.localEndpoints.length > 0) {
        this.addToMap(NAME.externalLocal, frontend, key, this.pickVerdict(frontend, "address", "local"));
      }
    }
    if (unserved !== undefined) this.addToMap(this.unservedMap(frontend), frontend, key, unservedVerdict(unserved));
  }

  private addNodePort(frontend: Frontend): void {
    const { service, port, dispatch, unserved } = frontend;
    const key = [PROTOCOL_NUMBERS[service.protocol], port];
    const verdict = this.dispatchVerdict(frontend, "node-port", false);
    if (verdict !== undefined) this.addToMap(NAME.nodePorts, frontend, key, verdict);
    if (dispatch.kind === "by-source") {
      this.addToMap(NAME.externalNodePortsCluster, frontend, key, this.pickVerdict(frontend, "node-port", "cluster"));
      if (service.localEndpoints.length > 0) {
        this.addToMap(NAME.externalNodePortsLocal, frontend, key, this.pickVerdict(frontend, "node-port", "local"));
      }
    }
    if (unserved !== undefined) this.addToMap(NAME.unservedNodePorts, frontend, key, unservedVerdict(unserved));
  }

  /** The iptables mode checks cluster IPs and external addresses at different hooks. */
  private unservedMap(frontend: Frontend): string {
    if (this.settings.mode === "nftables") return NAME.unserved;
    return frontend.kind === "cluster-ip" ? NAME.unservedClusterIps : NAME.unservedExternal;
  }

  /** Notes who may use a load balancer address. Returns whether the iptables mode has to ask before it translates: the
   *  nftables mode drops in a hook of its own, before any translation. The iptables mode writes no firewall for a
   *  Service without endpoints (README.md, section 7). */
  private addSourceRanges(frontend: AddressFrontend, key: readonly KeyPart[]): boolean {
    const iptables = this.settings.mode === "iptables";
    if (frontend.allowedSources === undefined || (iptables && frontend.dispatch.kind === "none")) return false;
    this.addToSet(NAME.sourceRangedAddresses, {
      key,
      comment: servicePortName(frontend.service),
      origin: frontend.origin,
    });
    for (const interval of mergeIntervals(frontend.allowedSources.map(rangeOf))) {
      this.addToSet(NAME.allowedSources, { key: [...key, interval], origin: frontend.origin });
    }
    return iptables;
  }

  /** Where packets to `frontend` go. Leaving a chain that picks means that the ruleset is just being replaced: a rule
   *  behind the jump then translates. After the chain for externalTrafficPolicy Local nothing may follow in nftables
   *  mode; in iptables mode the search goes on. */
  private dispatchVerdict(frontend: Frontend, key: FrontendKey, ranged: boolean): Verdict | undefined {
    switch (frontend.dispatch.kind) {
      case "none":
        return undefined;
      case "endpoints":
        // Sources that are kept out leave just as packets do during a replacement: they must not find a slot 0.
        return this.pickVerdict(frontend, key, ranged ? "cluster" : "only");
      case "by-source":
        return {
          kind: this.settings.mode === "nftables" || ranged ? "goto" : "jump",
          chain: key === "address" ? "external" : "external-node-ports",
        };
      default:
        return unreachable(frontend.dispatch);
    }
  }

  /** A jump to the chain that picks from `list`, whose endpoints become elements. */
  private pickVerdict(frontend: Frontend, key: FrontendKey, list: EndpointListKind): Verdict {
    const { service } = frontend;
    const endpoints = endpointsOf(frontend, list);
    invariant(
      endpoints.length > 0 && endpoints.length <= LIST_CAPACITY,
      "a list has from 1 to LIST_CAPACITY endpoints",
    );
    const { protocol, affinitySeconds } = service;
    const name = pickChain(key, list, endpoints.length, protocol, affinitySeconds);
    if (!this.picks.has(name)) this.picks.set(name, { key, list, count: endpoints.length, protocol, affinitySeconds });
    const slots = this.elementsOf(endpointsMap(key, protocol));
    const stickySlots = affinitySeconds === undefined ? [] : this.elementsOf(stickySlotsMap(key, protocol));
    for (let index = 0; index < endpoints.length; index++) {
      const endpoint = endpoints[index] as ServiceEndpoint;
      const { origin } = endpoint;
      const isHere = frontend.kind === "node-port" || frontend.address === endpoint.address; // any address may be the node's
      if (isHere && frontend.port === endpoint.port) this.translatesToSelf = true;
      const number = LIST_OFFSET[list] + index;
      const slot = frontend.kind === "node-port" ? [frontend.port, number] : [frontend.address, frontend.port, number];
      // With affinity, the first endpoint alone stands here too: for packets that come while rules are replaced.
      if (affinitySeconds === undefined || index === 0)
        slots.push({ key: slot, value: [endpoint.address, endpoint.port], origin });
      if (affinitySeconds !== undefined) {
        const identity = this.identities.of(service, endpoint);
        stickySlots.push({ key: slot, value: [identity], origin });
        this.addStickyEndpoint(protocol, identity, endpoint);
      }
      if (!this.hairpins.has(endpoint.address)) {
        this.hairpins.add(endpoint.address);
        this.addToSet(NAME.hairpin, { key: [endpoint.address, endpoint.address], origin });
      }
    }
    if (affinitySeconds !== undefined) {
      this.affinity.add(affinitySeconds);
      if (!this.sets.has(affinitySet(affinitySeconds))) this.sets.set(affinitySet(affinitySeconds), []);
    }
    return { kind: "jump", chain: name };
  }

  private addStickyEndpoint(protocol: Protocol, identity: number, endpoint: ServiceEndpoint): void {
    const name = `${protocol} ${identity}`;
    if (this.sticky.has(name)) return;
    this.sticky.add(name);
    this.pushToMap(stickyEndpointsMap(protocol), {
      key: [identity],
      value: [endpoint.address, endpoint.port],
      origin: endpoint.origin,
    });
  }

  /** Also cluster IPs that no one masquerades are listed: a node port of the same number must not decide for them. */
  private addMasquerade(frontend: Frontend): void {
    if (frontend.dispatch.kind === "none") return;
    const { service, port } = frontend;
    const [kind, key]: [FrontendKey, readonly KeyPart[]] =
      frontend.kind === "node-port" ? ["node-port", [port]] : ["address", [frontend.address, port]];
    const { origin, masquerade } = frontend;
    const { protocol } = service;
    this.pushToMap(masqueradeMap(kind, protocol), {
      key,
      value: { kind: "goto", chain: `masquerade-${masquerade}` },
      origin,
    });
    if (this.settings.mode === "iptables") {
      this.pushToMap(forwardMap(kind, protocol), {
        key,
        value: { kind: "goto", chain: `forward-${masquerade}` },
        origin,
      });
    }
  }

  private addToMap(map: string, frontend: Frontend, key: readonly KeyPart[], value: Verdict | readonly Value[]): void {
    this.pushToMap(map, { key, value, comment: servicePortName(frontend.service), origin: frontend.origin });
  }

  private pushToMap(map: string, element: MapElement): void {
    this.elementsOf(map).push(element);
  }

  /** Of a map that gets one at least. */
  private elementsOf(map: string): MapElement[] {
    let elements = this.maps.get(map);
    if (elements === undefined) {
      elements = [];
      this.maps.set(map, elements);
    }
    return elements;
  }

  private addToSet(set: string, element: SetElement): void {
    const elements = this.sets.get(set);
    if (elements === undefined) this.sets.set(set, [element]);
    else elements.push(element);
  }
}

function endpointsOf(frontend: Frontend, list: EndpointListKind): readonly ServiceEndpoint[] {
  const { service, dispatch } = frontend;
  const local = list === "local" || (list === "only" && dispatch.kind === "endpoints" && dispatch.list === "local");
  return local ? service.localEndpoints : service.clusterEndpoints;
}

function unservedVerdict(unserved: "reject" | "drop"): Verdict {
  return unserved === "drop" ? { kind: "drop" } : { kind: "goto", chain: "rejecting" };
}

function rangeOf(prefix: Prefix): Interval {
  return prefixRange(prefix);
}
