/** From a program to its table for one node. */

import type { Diagnostic, Origin } from "../diagnostics.ts";
import { environmentOf } from "../evaluate/packet.ts";
import { invariant, required } from "../invariant.ts";
import type { Interval, KeyPart, Program, Value } from "../ir/types.ts";
import { Unsupported, unsupported } from "../ir/unsupported.ts";
import {
  type Address,
  FAMILIES,
  type Family,
  familyOf,
  isLoopbackNet,
  literalAddress,
  printAddress,
} from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import { AnswerCollector, type Row } from "./answers.ts";
import type { GraphNode, Read, SetOrMap } from "./graph/types.ts";
import { type EntryPoint, unfold } from "./graph/unfold.ts";
import { findInterfaces, type InterfaceClass } from "./interfaces.ts";
import { SourceSets } from "./source-sets.ts";
import {
  type AddressRange,
  type AddressRow,
  type Default,
  type FamilyTable,
  type LocalAddress,
  type LocalClass,
  type PortRow,
  sameDefault,
  type Tabulation,
} from "./types.ts";
import { type OutcomeTree, Walker } from "./walk.ts";

/** The table of `program` on a node that has `addresses`, or everything that does not fit into one. */
export function tabulate(
  program: Program,
  addresses: readonly Address[],
): { readonly tabulation: Tabulation } | { readonly unsupported: readonly Diagnostic[] } {
  const { interfaces, kinds } = findInterfaces(program);
  const answers = new AnswerCollector();
  const lacking: Diagnostic[] = [];
  const [IPv4, IPv6] = FAMILIES.map((family) =>
    new FamilyTabulator(
      program,
      family,
      addresses.filter((address) => familyOf(address) === family),
      kinds,
      answers,
      lacking,
    ).tabulate(),
  ) as [FamilyTable, FamilyTable];
  if (lacking.length > 0) return { unsupported: lacking };
  const { behaviours, endpointTreatments } = answers;
  return { tabulation: { interfaces, behaviours, endpointTreatments, families: { IPv4, IPv6 } } };
}

/** The finding about what a table cannot hold. `origin`: the place where the error does not say one. `where`: the destination at
 *  which it showed. */
export function unsupportedByTable(error: Unsupported, origin?: Origin, where?: string): Diagnostic {
  const message = `a classifier table cannot hold this: ${error.message}`;
  const notes = where === undefined ? undefined : [{ message: where }];
  return unsupported("unsupported-table", message, error.origin ?? origin, notes);
}

/** A protocol and a port; the key of a `Map`. */
type PortKey = number;

const keyOf = (protocol: number, port: number): PortKey => protocol * 65536 + port;
const protocolIn = (key: PortKey): number => Math.floor(key / 65536);
const portIn = (key: PortKey): number => key % 65536;

const WITH_PORTS: readonly number[] = Object.values(PROTOCOL_NUMBERS);
const PINGS: Readonly<Record<Family, number>> = { IPv4: 1, IPv6: 58 };
/** A number that IANA gives to experiments. */
const OTHER_PROTOCOL = 253;

class FamilyTabulator {
  private readonly family: Family;
  private readonly walker: Walker;
  private readonly answers: AnswerCollector;
  private readonly lacking: Diagnostic[];
  /** A graph for each interface kind. */
  private readonly roots: (ctState: EntryPoint["ctState"], protocol: number) => readonly GraphNode[];
  private readonly local: ReadonlySet<Address>;
  /** Everything that rules mention of a destination: addresses with the ports that rules test there… */
  private readonly points = new Map<Address, Set<PortKey>>();
  /** …where blocks of addresses begin… */
  private readonly boundaries: Set<Address>;
  /** …ports that rules test whatever the address… */
  private readonly anywhere = new Set<PortKey>();
  /** …and protocols. */
  private readonly protocols: Set<number>;
  private readonly seen = new Set<string>();
  /** For each set or map, and each key that it was looked up by: whether that key has a port without an address. */
  private readonly consultations = new Map<SetOrMap, Map<readonly Read[], boolean>>();
  private readonly numbers = new Map<object, number>();
  /** Whether the current walk has tested a port without an address. */
  private hasTestedAnyPort = false;
  /** The first comment that the current walk has passed. */
  private label = "";
  /** The place of the first element that the current walk has found. */
  private origin: Origin | undefined;

  constructor(
    program: Program,
    family: Family,
    addresses: readonly Address[],
    kinds: readonly InterfaceClass[],
    answers: AnswerCollector,
    lacking: Diagnostic[],
  ) {
    this.family = family;
    this.answers = answers;
    this.lacking = lacking;
    const [lowest, loopback] = addressesOf(family, family === "IPv4" ? ["0.0.0.0", "127.0.0.1"] : ["::", "::1"]);
    this.local = new Set([...addresses, loopback as Address]);
    this.boundaries = new Set([lowest as Address, ...typeBoundaries(family)]);
    this.protocols = new Set([...WITH_PORTS, PINGS[family], OTHER_PROTOCOL]);
    const environment = environmentOf(addresses);
    const graphOf = unfold(program, family, environment);
    const roots = new Map<string, readonly GraphNode[]>();
    this.roots = (ctState, protocol) => {
      const key = `${ctState} ${protocol}`;
      const known = roots.get(key) ?? kinds.map(({ example }) => graphOf({ protocol, inInterface: example, ctState }));
      roots.set(key, known);
      return known;
    };
    this.walker = new Walker(environment, new SourceSets(), {
      consulted: (elements, reads) => this.consulted(elements, reads),
      found: ({ comment, origin }) => {
        if (this.label === "" && comment !== undefined) this.label = comment;
        this.origin ??= origin;
      },
      compared: (read, node, protocol) => this.compared(read, node, protocol),
    });
  }

  tabulate(): FamilyTable {
    const localRows = new Map<Address, Map<PortKey, PortRow>>();
    const defaults = new Map<Address, Default>();
    const rows = new Map<Address, Map<PortKey, PortRow>>();
    // Each walk may find more destinations that need a row.
    let protocols = this.protocols.size;
    for (let before = -1; before !== this.amount(); ) {
      before = this.amount();
      if (protocols !== this.protocols.size) defaults.clear();
      protocols = this.protocols.size;
      for (const address of [...this.examples().values(), ...this.ownAddresses(), ...this.points.keys()])
        if (!defaults.has(address)) this.fits(address, () => defaults.set(address, this.defaultOf(address)));
      for (const [address, keys] of [...this.points]) {
        const done = entry(rows, address);
        for (const key of keys)
          if (!done.has(key)) this.fits(address, () => done.set(key, this.rowOf(address, key)), key);
      }
      for (const address of this.ownAddresses()) {
        const done = entry(localRows, address);
        for (const key of this.anywhere)
          if (!done.has(key)) this.fits(address, () => done.set(key, this.rowOf(address, key)), key);
      }
    }
    if (this.lacking.length > 0) return NOTHING;
    return this.assemble(defaults, rows, localRows);
  }

  /** The number of destinations that are known so far. */
  private amount(): number {
    return this.boundaries.size + this.anywhere.size + this.protocols.size + this.seen.size;
  }

  /** Does `work`; notes what does not fit. */
  private fits(address: Address, work: () => void, key?: PortKey): void {
    if (this.lacking.length >= MAX_UNSUPPORTED) return;
    this.hasTestedAnyPort = false;
    this.label = "";
    this.origin = undefined;
    try {
      work();
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      const port = key === undefined ? "" : ` port ${portIn(key)} of protocol ${protocolIn(key)}`;
      const finding = unsupportedByTable(error, this.origin, `at ${printAddress(address)}${port}`);
      if (!this.lacking.some(({ message }) => message === finding.message)) this.lacking.push(finding);
    }
  }

  // --- single destinations ---------------------------------------------------------------------------------------------

  private trees(
    ctState: EntryPoint["ctState"],
    protocol: number,
    address: Address,
    port: number | undefined,
  ): OutcomeTree[] {
    return this.roots(ctState, protocol).map((root) => this.walker.walk(root, { protocol, address, port }));
  }

  /** What packets to `address` get whose port nobody mentions. */
  private defaultOf(address: Address): Default {
    const fresh = this.whateverPort("new", address, this.protocols, UNMENTIONED);
    const invalid = this.whateverPort("invalid", address, this.protocols, undefined);
    const untracked = this.whateverPort("untracked", address, [PINGS[this.family]], undefined);
    if (this.hasTestedAnyPort && !this.isLocal(address))
      throw new Unsupported("ports are asked about at addresses that are not the node's");
    return { new: fresh, invalid, untracked };
  }

  private whateverPort(
    ctState: EntryPoint["ctState"],
    address: Address,
    protocols: Iterable<number>,
    port: number | undefined,
  ): number {
    const rows = [...protocols].map((protocol) => this.answers.row(this.trees(ctState, protocol, address, port)));
    const [first] = rows as [Row];
    if (rows.some(({ behaviour }) => behaviour !== first.behaviour))
      throw new Unsupported("packets of several protocols fare differently whatever the port");
    if (first.lists.length > 0) throw new Unsupported("packets are translated whatever the port");
    if (first.allowed !== undefined) throw new Unsupported("sources are asked about at any port of an address");
    return first.behaviour;
  }

  private rowOf(address: Address, key: PortKey): PortRow {
    const [protocol, port] = [protocolIn(key), portIn(key)];
    const row = this.answers.row(this.trees("new", protocol, address, port));
    return { protocol, port, ...row, label: this.label };
  }

  private isLocal(address: Address): boolean {
    return this.local.has(address) || isLoopbackNet(address);
  }

  /** Every address of the node; one for the many of 127.0.0.0/8. */
  private ownAddresses(): Address[] {
    return [...this.local, ...this.loopbackExample(), ...[...this.points.keys()].filter(isLoopbackNet)];
  }

  private loopbackExample(): Address[] {
    return this.family === "IPv4" ? addressesOf("IPv4", ["127.0.0.0"]) : [];
  }

  // --- what walks find ---------------------------------------------------------------------------------------------------

  private consulted(elements: SetOrMap, reads: readonly Read[]): void {
    const asked = entry(this.consultations, elements);
    let testsAnyPort = asked.get(reads);
    if (testsAnyPort === undefined) {
      testsAnyPort = this.consultedFirst(elements, reads);
      asked.set(reads, testsAnyPort);
    }
    if (testsAnyPort) this.hasTestedAnyPort = true;
  }

  /** Notes what a set or map mentions; returns whether its key has a port without an address. */
  private consultedFirst(elements: SetOrMap, reads: readonly Read[]): boolean {
    const at = {
      address: reads.findIndex((read) => read.kind === "address" && read.of === "original"),
      port: reads.findIndex((read) => read.kind === "port" && read.of === "original"),
      protocol: reads.findIndex(({ kind }) => kind === "protocol"),
    };
    const number = this.numbers.get(elements) ?? this.numbers.size;
    this.numbers.set(elements, number);
    const text = `${number} ${at.address} ${at.port} ${at.protocol}`;
    if (!this.seen.has(text)) {
      this.seen.add(text);
      for (const { key } of elements.elements) this.mention(key[at.address], key[at.port], key[at.protocol]);
    }
    return at.port >= 0 && at.address < 0;
  }

  private compared(read: Read, { against }: Extract<GraphNode, { kind: "test" }>, protocol: number): void {
    if (against.kind !== "intervals") return;
    for (const { from, to } of against.intervals) {
      const part: KeyPart = from === to ? from : { from, to };
      if (read.kind === "address" && read.of === "original") this.addBlock({ from, to });
      if (read.kind === "protocol") this.mention(undefined, undefined, part);
      if (read.kind !== "port" || read.of !== "original") continue;
      this.hasTestedAnyPort = true;
      this.mention(undefined, part, protocol);
    }
  }

  private mention(address: KeyPart | undefined, port: KeyPart | undefined, protocol: KeyPart | undefined): void {
    if (typeof port === "object" || typeof protocol === "object")
      throw new Unsupported("a range of ports or protocols");
    if (typeof address === "object") {
      if (port !== undefined) throw new Unsupported("a block of addresses with a port");
      this.addBlock(address);
      return;
    }
    if (protocol !== undefined) this.protocols.add(Number(protocol));
    if (port === undefined) {
      if (address !== undefined) entryOfSet(this.points, address as Address);
      return;
    }
    const keys = (protocol === undefined ? WITH_PORTS : [Number(protocol)]).map((each) => keyOf(each, Number(port)));
    const known = address === undefined ? this.anywhere : entryOfSet(this.points, address as Address);
    for (const key of keys) known.add(key);
  }

  private addBlock({ from, to }: Interval): void {
    this.boundaries.add(from as Address);
    const after = successor(to);
    if (after !== undefined) this.boundaries.add(after as Address);
  }

  /** For each block between boundaries, by its first address, one that is not mentioned by itself; none for blocks that are
   *  all mentioned, or the node's own. */
  private examples(): Map<Address, Address> {
    const sorted = [...this.boundaries].sort((a, b) => (a < b ? -1 : 1));
    const found = new Map<Address, Address>();
    for (const [i, from] of sorted.entries()) {
      const end = sorted[i + 1];
      for (let at: Address | undefined = from; at !== undefined && at !== end; at = successor(at)) {
        if (isLoopbackNet(at)) break;
        if (this.points.has(at) || this.local.has(at)) continue;
        found.set(from, at);
        break;
      }
    }
    return found;
  }

  // --- putting it together -----------------------------------------------------------------------------------------------

  private assemble(
    defaults: ReadonlyMap<Address, Default>,
    rows: ReadonlyMap<Address, ReadonlyMap<PortKey, PortRow>>,
    localRows: ReadonlyMap<Address, ReadonlyMap<PortKey, PortRow>>,
  ): FamilyTable {
    const defaultAt = (address: Address): Default => required(defaults.get(address), "each address has been looked at");
    const telling = (address: Address, ofAddress: ReadonlyMap<PortKey, PortRow> | undefined): PortRow[] =>
      [...(ofAddress?.values() ?? [])].filter((row) => row.behaviour !== defaultAt(address).new);
    const kinds: LocalClass[] = [];
    const numbers = new Map<string, number>();
    const kindOf = (address: Address): number => {
      const kind = { default: defaultAt(address), rows: telling(address, localRows.get(address)) };
      const text = kindText(kind, this.numbers);
      const number = numbers.get(text) ?? kinds.push(kind) - 1;
      numbers.set(text, number);
      return number;
    };
    const addressRows = [...rows].flatMap(([address, ofAddress]): AddressRow[] => {
      const anywhere = localRows.get(address);
      return [...ofAddress]
        .filter(([key, row]) => !sameRow(row, anywhere?.get(key)) || anywhere === undefined)
        .filter(([, row]) => this.isLocal(address) || row.behaviour !== defaultAt(address).new)
        .map(([, row]) => ({ ...row, address }));
    });
    const withRows = new Set(addressRows.map(({ address }) => address));
    const loopback = this.loopbackExample().map(kindOf)[0];
    const local = [...this.local, ...[...this.points.keys()].filter(isLoopbackNet)].map(
      (address): LocalAddress => ({ address, kind: kindOf(address), hasRows: withRows.has(address) }),
    );
    return {
      detected: this.answers.takeDetected(),
      rows: addressRows,
      local: unique(local),
      localClasses: kinds,
      loopback,
      ...this.regions(defaultAt),
    };
  }

  private regions(defaultAt: (address: Address) => Default): Pick<FamilyTable, "regions" | "points"> {
    const regions: AddressRange[] = [];
    for (const [from, example] of this.examples()) {
      const own = defaultAt(example);
      const last = regions.at(-1);
      if (last === undefined || !sameDefault(last, own)) regions.push({ from, ...own });
    }
    const sorted = [...this.points.keys()].filter((address) => !this.isLocal(address)).sort((a, b) => (a < b ? -1 : 1));
    const points: AddressRange[] = [];
    let at = 0;
    for (const from of sorted) {
      while (regions[at + 1] !== undefined && (regions[at + 1] as AddressRange).from <= from) at++;
      const around = regions[at] as AddressRange;
      const own = defaultAt(from);
      if (!sameDefault(own, around)) points.push({ from, ...own });
    }
    return { regions, points };
  }
}

/** The port of a packet whose port no rule mentions: Services have ports from 1 on. */
const UNMENTIONED = 0;

const MAX_UNSUPPORTED = 20;

/** Boundaries between addresses of different types in the routing table. */
function typeBoundaries(family: Family): Address[] {
  return family === "IPv4"
    ? addressesOf(family, ["127.0.0.0", "128.0.0.0", "224.0.0.0", "240.0.0.0", "255.255.255.255"])
    : addressesOf(family, ["ff00::"]);
}

function addressesOf(family: Family, texts: readonly string[]): Address[] {
  const addresses = texts.map(literalAddress);
  invariant(
    addresses.every((address) => familyOf(address) === family),
    `${texts.join()} are of ${family}`,
  );
  return addresses;
}

/** The next higher address; undefined behind the last one. */
function successor<T extends Value>(address: T): T | undefined {
  if (typeof address === "bigint") return address === 2n ** 128n - 1n ? undefined : ((address + 1n) as T);
  return address === 2 ** 32 - 1 ? undefined : ((Number(address) + 1) as T);
}

function sameRow(a: PortRow, b: PortRow | undefined): boolean {
  return (
    b !== undefined &&
    a.behaviour === b.behaviour &&
    a.allowed === b.allowed &&
    a.stickySeconds === b.stickySeconds &&
    a.lists.length === b.lists.length &&
    a.lists.every((list, i) => list === b.lists[i])
  );
}

/** Equal for kinds of addresses that answer alike. `numbers` tells objects apart. */
function kindText({ default: own, rows }: LocalClass, numbers: Map<object, number>): string {
  const numberOf = (object: object): number => {
    const number = numbers.get(object) ?? numbers.size;
    numbers.set(object, number);
    return number;
  };
  const texts = rows.map(({ protocol, port, behaviour, lists, allowed }) =>
    [protocol, port, behaviour, ...lists.map(numberOf), allowed === undefined ? "" : `from ${numberOf(allowed)}`].join(
      " ",
    ),
  );
  return [own.new, own.invalid, own.untracked, ...texts.sort()].join("|");
}

function entry<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const found = map.get(key) ?? new Map<L, V>();
  map.set(key, found);
  return found;
}

function entryOfSet<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const found = map.get(key) ?? new Set<V>();
  map.set(key, found);
  return found;
}

/** Each address once. */
function unique(local: readonly LocalAddress[]): LocalAddress[] {
  return [...new Map(local.map((each) => [each.address, each])).values()];
}

const NOTHING: FamilyTable = {
  detected: [],
  rows: [],
  local: [],
  localClasses: [],
  loopback: undefined,
  regions: [],
  points: [],
};
