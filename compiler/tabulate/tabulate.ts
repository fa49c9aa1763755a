/** From a program to its table for one node. */

import type { Diagnostic, Origin } from "../diagnostics.ts";
import { environmentOf } from "../evaluate/packet.ts";
import type { Program } from "../ir/types.ts";
import { Unsupported, unsupported } from "../ir/unsupported.ts";
import { type Address, FAMILIES, type Family, familyOf, printAddress } from "../net/address.ts";
import { AnswerCollector, type Row } from "./answers.ts";
import { assembleFamily } from "./assemble.ts";
import { Copier, type CopyOf, NO_COPIES } from "./copies.ts";
import type { GraphNode } from "./graph/types.ts";
import { type EntryPoint, unfold } from "./graph/unfold.ts";
import { findInterfaces, type InterfaceClass } from "./interfaces.ts";
import { entry, MentionedDestinations, PINGS, type PortKey, portIn, protocolIn } from "./mentioned.ts";
import { SourceSets } from "./source-sets.ts";
import type { Default, FamilyTable, PortRow, Tabulation } from "./types.ts";
import { type OutcomeTree, Walker } from "./walk.ts";

/** The table of `program` on a node that has `addresses`, or everything that does not fit into one. With `copyOf` it is the same, as far as
 *  what that says is true. */
export function tabulate(
  program: Program,
  addresses: readonly Address[],
  copyOf: CopyOf = NO_COPIES,
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
      { answers, lacking, copyOf },
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

/** What the tables of both families have in common. */
interface Common {
  readonly answers: AnswerCollector;
  readonly lacking: Diagnostic[];
  readonly copyOf: CopyOf;
}

class FamilyTabulator {
  private readonly family: Family;
  private readonly walker: Walker;
  private readonly answers: AnswerCollector;
  private readonly lacking: Diagnostic[];
  private readonly copier: Copier;
  /** A graph for each interface kind. */
  private readonly roots: (ctState: EntryPoint["ctState"], protocol: number) => readonly GraphNode[];
  private readonly mentioned: MentionedDestinations;
  /** The first comment that the current walk has passed. */
  private label = "";
  /** The place of the first element that the current walk has found. */
  private origin: Origin | undefined;

  constructor(
    program: Program,
    family: Family,
    addresses: readonly Address[],
    kinds: readonly InterfaceClass[],
    { answers, lacking, copyOf }: Common,
  ) {
    this.family = family;
    this.answers = answers;
    this.lacking = lacking;
    this.mentioned = new MentionedDestinations(family, addresses);
    this.copier = new Copier(copyOf, answers, (address) => this.mentioned.isLocal(address));
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
      consulted: (elements, reads) => this.mentioned.consulted(elements, reads),
      found: ({ comment, origin }) => {
        if (this.label === "" && comment !== undefined) this.label = comment;
        this.origin ??= origin;
      },
      compared: (read, node, protocol) => this.mentioned.compared(read, node, protocol),
    });
  }

  tabulate(): FamilyTable {
    const localRows = new Map<Address, Map<PortKey, PortRow>>();
    const defaults = new Map<Address, Default>();
    const rows = new Map<Address, Map<PortKey, PortRow>>();
    // Each walk may find more destinations that need a row.
    const { mentioned } = this;
    let protocols = mentioned.protocols.size;
    for (let before = -1; before !== mentioned.amount(); ) {
      before = mentioned.amount();
      if (protocols !== mentioned.protocols.size) defaults.clear();
      protocols = mentioned.protocols.size;
      for (const address of [
        ...mentioned.examples().values(),
        ...mentioned.ownAddresses(),
        ...mentioned.points.keys(),
      ]) {
        if (defaults.has(address)) continue;
        const copied = this.copier.defaultAt(address, defaults);
        if (copied !== undefined) defaults.set(address, copied);
        else this.fits(address, () => defaults.set(address, this.defaultOf(address)));
      }
      for (const [address, keys] of [...mentioned.points]) {
        const done = entry(rows, address);
        const copied = done.size < keys.size ? this.copier.rowsAt(address, rows) : undefined;
        for (const key of keys) {
          if (done.has(key)) continue;
          const row = copied?.(key);
          if (row !== undefined) done.set(key, row);
          else this.fits(address, () => done.set(key, this.rowOf(address, key)), key);
        }
      }
      for (const address of mentioned.ownAddresses()) {
        const done = entry(localRows, address);
        for (const key of mentioned.anywhere)
          if (!done.has(key)) this.fits(address, () => done.set(key, this.rowOf(address, key)), key);
      }
    }
    if (this.lacking.length > 0) return NOTHING;
    return assembleFamily(mentioned, this.answers.takeDetected(), defaults, rows, localRows);
  }

  /** Does `work`; notes what does not fit. */
  private fits(address: Address, work: () => void, key?: PortKey): void {
    if (this.lacking.length >= MAX_UNSUPPORTED) return;
    this.mentioned.hasTestedAnyPort = false;
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
    const fresh = this.whateverPort("new", address, this.mentioned.protocols, UNMENTIONED);
    const invalid = this.whateverPort("invalid", address, this.mentioned.protocols, undefined);
    const untracked = this.whateverPort("untracked", address, [PINGS[this.family]], undefined);
    if (this.mentioned.hasTestedAnyPort && !this.mentioned.isLocal(address))
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
}

/** The port of a packet whose port no rule mentions: Services have ports from 1 on. */
const UNMENTIONED = 0;

const MAX_UNSUPPORTED = 20;

const NOTHING: FamilyTable = {
  detected: [],
  rows: [],
  local: [],
  localClasses: [],
  loopback: undefined,
  regions: [],
  points: [],
};
