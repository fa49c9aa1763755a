/**
 * Nodes and pods that nothing tells apart but their names and addresses.
 *
 * Let some nodes and pods be renamed, each to one of its class, so that pods stay on their node and no two become one. Then whatever
 * a host is asked about hosts of the old names, it (or what it is renamed to) says about the new ones:
 *
 * - A class has in its key all that a host is: interfaces, sysctls, routes, rules, and the other ends of its wires, its own names and
 *   addresses as tokens (`ownParts`).
 * - It has what each other host says of it: routes, tunnels and proxies that name it (`factsOf`), and rules and elements that ask for its
 *   addresses. All other nodes say the same, or are named in the key; a node that says something else of anybody is in no class.
 * - It has the blocks that hold its addresses: those that routes, policy rules and rules compare with. A block in which only hosts of one
 *   node have addresses is that node's own, and a token.
 * - A host is in no class if something else than that decides: an address that several hosts have, rules that compute with addresses or
 *   compare them in other ways than with one address or a block, ARP answered for others, a choice of source by the bits of addresses.
 */

import { partHolds } from "../ir/interval.ts";
import type { Interval, Program, Value } from "../ir/types.ts";
import { type Address, FAMILIES } from "../net/address.ts";
import { maskAddress, prefixRange } from "../net/prefix.ts";
import type { Host, Network } from "../network/network.ts";
import { addressesOf, HostEnds, ownAddresses } from "./host-ends.ts";
import { factsOf } from "./mentions.ts";
import { asksForNeighbours, choosesSourceByInterface, SPECIAL_BLOCKS } from "./premises.ts";
import { intervalKey, ProgramTests, TextNumbers } from "./program-tests.ts";
import { type OwnTokens, shapeOf } from "./shape.ts";

export class AlikeHosts {
  private readonly hosts: Network["hosts"];
  private readonly tests = new Map<string, ProgramTests>();
  private readonly texts = new TextNumbers();
  private readonly ends: HostEnds;
  /** By address; undefined: several hosts have it. */
  private readonly owners = new Map<Value, string | undefined>();
  private readonly intervals = new Map<string, Interval>();
  /** Addresses and names that policy rules ask for. */
  private readonly asked = new Set<Value>();
  private readonly blockOwners = new Map<string, string>();
  private readonly blocks = new Map<string, OwnTokens["blocks"]>();
  private readonly tokens = new Map<string, HostTokens>();
  private readonly speakers = new Map<string, OwnTokens>();
  private readonly classes = new Map<string, string>();
  private readonly addresses = new Map<string, readonly Address[]>();

  /** `programOf`: the rules of a host; undefined: it has none. */
  constructor(network: Network, programOf: (host: Host) => Program | undefined) {
    const { hosts } = network;
    this.hosts = hosts;
    this.ends = new HostEnds(network);
    for (const host of hosts.values()) {
      for (const address of ownAddresses(host))
        this.owners.set(address, this.owners.has(address) ? undefined : host.name);
      const program = programOf(host);
      if (program !== undefined) this.tests.set(host.name, new ProgramTests(program));
    }
    if ([...this.tests.values()].some((tests) => !tests.isComplete || asksForNeighbours(tests))) return;
    this.findIntervals();
    this.findClasses();
  }

  /** Equal for hosts of one class; undefined: no other host is like this one. */
  classOf(host: string): string | undefined {
    return this.classes.get(host);
  }

  /** The host that alone has the address. */
  ownerOf(address: Value): string | undefined {
    return this.owners.get(address);
  }

  /** The node itself, or the one that the pod is on; by the host's name. */
  nodeOf(host: string): string | undefined {
    return this.ends.nodeOf(host);
  }

  /** The nodes in whose own blocks the address is. */
  nodesAround(address: Value): string[] {
    return [...this.blocks].flatMap(([node, blocks]) =>
      blocks.some((block) => partHolds(block, address)) ? [node] : [],
    );
  }

  /** `address` of `from`, as it is on `to`, which is of the same class. */
  addressOn(address: Address, from: string, to: string): Address {
    if (from === to) return address;
    return this.addressesOf(to)[this.indexOf(address, from)] ?? address;
  }

  /** Which of its host's addresses it is. */
  indexOf(address: Address, host: string): number {
    return this.addressesOf(host).indexOf(address);
  }

  /** Equal for hosts of one class whose rules do the same to packets that have these addresses and ports, and those of renamed hosts. */
  itemsShape(host: string, addresses: Iterable<Value>, ports: Iterable<Value>): string {
    const tests = this.tests.get(host);
    return tests === undefined ? "" : tests.itemsShape(addresses, ports, this.tokensOf(host), this.texts);
  }

  private addressesOf(host: string): readonly Address[] {
    const known = this.addresses.get(host) ?? addressesOf(this.hosts.get(host));
    this.addresses.set(host, known);
    return known;
  }

  private findIntervals(): void {
    const add = (interval: Interval): void => void this.intervals.set(intervalKey(interval), interval);
    for (const block of SPECIAL_BLOCKS) add(block);
    for (const tests of this.tests.values()) for (const interval of tests.intervals.values()) add(interval);
    for (const { interfaces, routing } of this.hosts.values()) {
      for (const { addresses } of interfaces)
        for (const { address, length } of addresses)
          add(prefixRange({ address: maskAddress(address, length), length }));
      for (const family of FAMILIES) {
        const { rules, tables } = routing[family];
        for (const { from, to } of rules)
          for (const block of [from, to]) if (block !== undefined) add(prefixRange(block));
        for (const routes of Object.values(tables)) for (const { prefix } of routes) add(prefixRange(prefix));
      }
    }
    for (const [key, { from, to }] of this.intervals) if (from === to) this.intervals.delete(key);
    for (const [key, interval] of this.intervals) {
      const nodes = new Set<string | undefined>();
      for (const [address, owner] of this.owners)
        if (partHolds(interval, address)) nodes.add(owner === undefined ? undefined : this.ends.nodeOf(owner));
      const [node] = nodes;
      if (nodes.size === 1 && node !== undefined) this.blockOwners.set(key, node);
    }
    // What the rules of another host ask for tells the node apart, and so do policy rules: these blocks are no tokens.
    for (const [name, tests] of this.tests)
      for (const key of tests.intervals.keys()) if (this.blockOwners.get(key) !== name) this.blockOwners.delete(key);
    for (const { name, routing } of this.hosts.values())
      for (const family of FAMILIES)
        for (const { from, to, inInterface } of routing[family].rules) {
          if (inInterface !== undefined) this.asked.add(inInterface);
          for (const block of [from, to]) {
            const range = block && prefixRange(block);
            if (range !== undefined && range.from === range.to) this.asked.add(range.from);
            else if (range !== undefined && this.blockOwners.get(intervalKey(range)) !== name)
              this.blockOwners.delete(intervalKey(range));
          }
        }
    for (const node of this.ends.nodes()) {
      const own = [...this.blockOwners].flatMap(([key, owner]) => (owner === node ? [this.intervals.get(key)] : []));
      const sorted = own
        .filter((each): each is Interval => each !== undefined)
        .sort((a, b) => sizeOf(a) - sizeOf(b) || (a.from < b.from ? -1 : 1));
      this.blocks.set(
        node,
        sorted.map((block, i) => ({ ...block, token: `node block ${i}` })),
      );
    }
  }

  private findClasses(): void {
    const { said, odd } = this.findMentions();
    for (const [name, host] of this.hosts) {
      if (host.role.kind !== "node" || odd.has(name) || !this.canBeLike(host)) continue;
      const key = [this.ownShape(host), this.tests.get(name)?.restShape(this.tokensOf(name)) ?? "", said.get(name)];
      this.classes.set(name, key.join("\n"));
    }
    this.shorten("n");
    for (const [name, host] of this.hosts) {
      const node = this.ends.nodeOf(name);
      if (host.role.kind !== "pod" || node === undefined || odd.has(name) || !this.canBeLike(host)) continue;
      const key = [this.classes.get(node) ?? node, this.ownShape(host), said.get(name)];
      this.classes.set(name, key.join("\n"));
    }
    this.shorten("p");
  }

  /** Short names for the classes of hosts that were found last. */
  private shorten(prefix: string): void {
    const known = new Map<string, string>();
    for (const [host, key] of this.classes) {
      if (/^[np]\d+$/.test(key)) continue;
      const short = known.get(key) ?? `${prefix}${known.size}`;
      known.set(key, short);
      this.classes.set(host, short);
    }
  }

  /** Whether nothing but what keys have decides about the host. */
  private canBeLike(host: Host): boolean {
    const { name, role, interfaces } = host;
    const ends = this.ends.endsOf(host);
    const all = ownAddresses(host);
    if (all.some((address) => this.owners.get(address) === undefined)) return false;
    const others =
      role.kind === "node"
        ? interfaces.filter((each) => this.ends.podBehind(host, each.name) === undefined)
        : interfaces;
    if (others.some(({ proxyArp }) => proxyArp)) return false;
    if (role.kind === "pod") {
      if (this.tests.has(name) || interfaces.some(({ kind }) => kind !== "loopback" && kind !== "ethernet"))
        return false;
    }
    const values: Value[] = [...all, ...ends.flatMap((end) => end?.interface ?? [])];
    if (values.some((value) => this.asked.has(value))) return false;
    for (const [at, { singles }] of this.tests)
      if ((at !== name || role.kind === "pod") && values.some((value) => singles.has(value))) return false;
    return choosesSourceByInterface(others) && (role.kind === "pod" || this.hasEqualPodInterfaces(host));
  }

  /** What other hosts say of each node and pod, and hosts that say something that others of their kind do not say. */
  private findMentions(): { readonly said: ReadonlyMap<string, string>; readonly odd: ReadonlySet<string> } {
    const found = new Map<string, Map<string, string[]>>();
    const add = (about: string, by: string, text: string): void => {
      const known = found.get(about) ?? new Map<string, string[]>();
      found.set(about, known);
      const texts = known.get(by) ?? [];
      known.set(by, texts);
      texts.push(text);
    };
    for (const host of this.hosts.values()) {
      for (const { about, content } of this.facts(host))
        for (const each of about) add(each, host.name, shapeOf(content, this.bothTokens(each, host)));
      const tests = this.tests.get(host.name);
      for (const address of tests?.addresses ?? []) {
        const owner = this.owners.get(address);
        if (tests === undefined || owner === undefined || this.ends.nodeOf(owner) === undefined) continue;
        add(owner, host.name, tests.addressShape(address, this.bothTokens(owner, host)));
      }
    }
    const [said, odd] = [new Map<string, string>(), new Set<string>()];
    for (const [name, { role }] of this.hosts) {
      if (role.kind !== "node" && role.kind !== "pod") continue;
      const texts = new Map([...(found.get(name) ?? [])].map(([by, some]) => [by, some.join("\n")]));
      said.set(name, this.summary(name, texts, odd));
    }
    return { said, odd };
  }

  /** By the node that it is on, by most other nodes, and by each host that says something else. */
  private summary(name: string, texts: ReadonlyMap<string, string>, odd: Set<string>): string {
    const node = this.ends.nodeOf(name);
    const others = [...this.ends.nodes()].filter((each) => each !== node);
    const counts = new Map<string, number>();
    for (const each of others) counts.set(texts.get(each) ?? "", (counts.get(texts.get(each) ?? "") ?? 0) + 1);
    const [[usual] = [""]] = [...counts].sort(([, a], [, b]) => b - a);
    const lines = [`node: ${texts.get(node ?? "") ?? ""}`, `nodes: ${usual}`];
    for (const each of others) {
      const text = texts.get(each) ?? "";
      if (text === usual) continue;
      odd.add(each);
      lines.push(`${each}: ${text}`);
    }
    for (const [by, text] of texts) {
      const { role } = this.hosts.get(by) ?? {};
      if (role?.kind === "node") continue;
      if (role?.kind === "pod") odd.add(by);
      lines.push(`${by}: ${text}`);
    }
    return lines.join("\n");
  }

  private facts(host: Host): ReturnType<typeof factsOf> {
    return factsOf(host, {
      ownerOf: (address) => {
        const owner = this.owners.get(address);
        return owner === undefined || this.ends.nodeOf(owner) === undefined ? undefined : owner;
      },
      nodeOfBlock: ({ prefix }) => this.blockOwners.get(intervalKey(prefixRange(prefix))),
      podBehind: (at, name) => this.ends.podBehind(at, name),
      nodeOf: (name) => this.ends.nodeOf(name),
    });
  }

  /** All that the host is, but for what it says of others. */
  private ownShape(host: Host): string {
    const { name, role, interfaces, routing, bridgeNetfilter, proxies } = host;
    const tokens = this.tokensOf(name);
    const isNode = role.kind === "node";
    const own = isNode ? interfaces.filter((each) => this.ends.podBehind(host, each.name) === undefined) : interfaces;
    const ofPods = interfaces.filter((each) => !own.includes(each)).map(({ addresses }) => shapeOf(addresses, tokens));
    const values: Value[] = [
      ...ownAddresses(host),
      ...(isNode ? [] : this.ends.endsOf(host).flatMap((end) => end?.interface ?? [])),
    ];
    const tables = FAMILIES.map((family) => routing[family].tables);
    const parts = {
      own: own.map((each) => ({ ...each, tunnel: each.tunnel && { ...each.tunnel, remotes: undefined } })),
      ofPods: [...new Set(ofPods)],
      // Where no interface to a node's next hop has an address, the first other one gives it.
      beforePods: interfaces.findIndex((each) => !own.includes(each) && each.addresses.length > 0),
      bridgeNetfilter,
      frontends: proxies.map(({ targets: _, ...frontend }) => frontend),
      rules: FAMILIES.map((family) => routing[family].rules),
      hasCustomLocalRoutes: tables.map((each) =>
        Object.values(each).some((routes) =>
          routes.some(({ kind, isAutomatic }) => kind === "local" && isAutomatic !== true),
        ),
      ),
      facts: this.facts(host).flatMap(({ about, content }) => (about.size === 0 ? [content] : [])),
      ends: own.map((each) => this.ends.endOf(host, each)),
      intervals: values.map((value) => this.intervalsWith(value, tokens)),
    };
    return shapeOf(parts, tokens);
  }

  /** Blocks that hold `value`: the host's own, and others. */
  private intervalsWith(value: Value, { blocks }: OwnTokens): string[] {
    const found = [...this.intervals].flatMap(([key, interval]) => {
      if (!partHolds(interval, value)) return [];
      return [blocks.find(({ from, to }) => from === interval.from && to === interval.to)?.token ?? key];
    });
    return found.sort();
  }

  /** Interfaces of pods that have other addresses than others of them make it count which one comes first. */
  private hasEqualPodInterfaces(host: Host): boolean {
    const tokens = this.tokensOf(host.name);
    const ofPods = host.interfaces.filter(({ name }) => this.ends.podBehind(host, name) !== undefined);
    return new Set(ofPods.map(({ addresses }) => shapeOf(addresses, tokens))).size <= 1;
  }

  private tokensOf(name: string): HostTokens {
    const known = this.tokens.get(name);
    if (known !== undefined) return known;
    const host = this.hosts.get(name);
    const node = this.ends.nodeOf(name);
    const outer = node === undefined || node === name ? undefined : this.tokensOf(node);
    const word = host?.role.kind ?? "host";
    const values = new Map<unknown, string>(outer?.values);
    if (host !== undefined) {
      values.set(name, word);
      addressesOf(host).forEach((address, i) => void values.set(address, `${word} address ${i}`));
      this.ends.endsOf(host).forEach((end, i) => {
        if (end !== undefined) values.set(end.interface, `${word} other end ${i}`);
      });
    }
    const isTaken = (address: Value): boolean => this.owners.has(address);
    const made: HostTokens = { values, blocks: outer?.blocks ?? this.blocks.get(name) ?? [], isTaken };
    this.tokens.set(name, made);
    return made;
  }

  /** Tokens of the one that is spoken of, and of the host that speaks. */
  private bothTokens(about: string, by: Host): OwnTokens {
    const of = this.tokensOf(about);
    if (by.name === this.ends.nodeOf(about) || by.role.kind !== "node") return of;
    const speaker = this.speakersTokens(by.name);
    return {
      values: { get: (value) => of.values.get(value) ?? speaker.values.get(value) },
      blocks: [...of.blocks, ...speaker.blocks],
      isTaken: of.isTaken,
    };
  }

  private speakersTokens(name: string): OwnTokens {
    const known = this.speakers.get(name);
    if (known !== undefined) return known;
    const { values, blocks, isTaken } = this.tokensOf(name);
    const made: OwnTokens = {
      values: new Map([...values].map(([value, token]) => [value, `speaker's ${token}`])),
      blocks: blocks.map((block) => ({ ...block, token: `speaker's ${block.token}` })),
      isTaken,
    };
    this.speakers.set(name, made);
    return made;
  }
}

interface HostTokens extends OwnTokens {
  readonly values: ReadonlyMap<unknown, string>;
}

function sizeOf({ from, to }: Interval): number {
  return typeof from === "string" ? 0 : Number(BigInt(to) - BigInt(from));
}
