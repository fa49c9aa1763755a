/** All that can become of packets to one destination, whoever sends them. */

import type { Environment } from "../evaluate/packet.ts";
import { unreachable } from "../invariant.ts";
import type { MapElement, Value } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import type { Address } from "../net/address.ts";
import { addressTypeOf } from "../packets/address-type.ts";
import { contains } from "./graph/elements.ts";
import type { GraphEnd, GraphNode, Read, SetOrMap } from "./graph/types.ts";
import type { SourceSet, SourceSets } from "./source-sets.ts";

/** The destination of packets as they come in. */
export interface WantedDestination {
  readonly protocol: number;
  readonly address: Address;
  /** Undefined: the packet is cut off before it. */
  readonly port: number | undefined;
}

export interface RowDestination {
  readonly address: Address;
  readonly port: number;
}

/** What can become of a packet: it depends on its source, and on chance. */
export type OutcomeTree =
  | {
      readonly kind: "end";
      readonly end: GraphEnd;
      readonly endpoint: RowDestination | undefined;
      readonly identity: number;
    }
  | { readonly kind: "source"; readonly set: SourceSet; readonly yes: OutcomeTree; readonly no: OutcomeTree }
  | { readonly kind: "chance"; readonly trees: readonly OutcomeTree[] };

/** Where a packet is on its way. */
interface Subject extends WantedDestination {
  readonly endpoint: RowDestination | undefined;
  readonly slot: number;
  readonly register: number;
}

/** What a walk tells about the sets, elements and tests that it passed. */
export interface WalkObserver {
  /** A set or map was looked up with a part of the packet's destination. */
  consulted(elements: SetOrMap, reads: readonly Read[]): void;
  /** An element was found: its comment may say which Service the destination belongs to. */
  found(element: MapElement): void;
  /** A part of the packet's destination was compared. */
  compared(read: Read, node: Extract<GraphNode, { kind: "test" }>, protocol: number): void;
}

export class Walker {
  private readonly environment: Environment;
  private readonly sources: SourceSets;
  private readonly observer: WalkObserver;

  constructor(environment: Environment, sources: SourceSets, observer: WalkObserver) {
    this.environment = environment;
    this.sources = sources;
    this.observer = observer;
  }

  /** Throws `Unsupported`. */
  walk(root: GraphNode, asked: WantedDestination): OutcomeTree {
    const { protocol, address, port } = asked;
    return this.go(root, { protocol, address, port, endpoint: undefined, slot: 0, register: 0 });
  }

  private go(start: GraphNode, subject: Subject): OutcomeTree {
    let node = start;
    while (true) {
      switch (node.kind) {
        case "test": {
          if (readsSource(node.reads)) return this.ofSource(node, subject);
          this.look(node, subject);
          const key = this.valuesOf(node.reads, subject);
          node = (key !== undefined && contains(node.against, key) !== node.negated ? node.yes : node.no).node;
          break;
        }
        case "switch": {
          const element = this.find(node, subject);
          if (element !== undefined) this.observer.found(element);
          node = element === undefined ? node.missing.node : node.found(element);
          break;
        }
        case "translate": {
          const element = this.find(node, subject);
          if (element === undefined || !Array.isArray(element.value)) {
            node = node.missing.node;
            break;
          }
          const endpoint = endpointIn(element.value as readonly Value[], subject, node.keepsPort);
          const same = endpoint.address === subject.address && endpoint.port === subject.port;
          return this.go((same ? node.same : node.changed).node, { ...subject, endpoint });
        }
        case "load": {
          const element = this.find(node, subject);
          if (element === undefined || !Array.isArray(element.value)) {
            node = node.missing.node;
            break;
          }
          return this.go(node.found.node, { ...subject, register: Number(element.value[0]) });
        }
        case "choose": {
          const { chosen, count } = node;
          return {
            kind: "chance",
            trees: Array.from({ length: count }, (_, slot) => this.go(chosen.node, { ...subject, slot })),
          };
        }
        case "end":
          return { kind: "end", end: node.end, endpoint: subject.endpoint, identity: subject.register };
        case "unsupported":
          throw new Unsupported(node.reason, node.origin);
        default:
          return unreachable(node);
      }
    }
  }

  private ofSource(node: Extract<GraphNode, { kind: "test" }>, subject: Subject): OutcomeTree {
    this.look(node, subject);
    const others = this.valuesOf(
      node.reads.filter((each) => !isSource(each)),
      subject,
    );
    const set = others === undefined ? undefined : this.sources.of(node, others);
    if (set === undefined) return this.go((node.negated && others !== undefined ? node.yes : node.no).node, subject);
    const [inside, outside] = node.negated ? [node.no, node.yes] : [node.yes, node.no];
    const yes = this.go(inside.node, subject);
    const no = this.go(outside.node, subject);
    return isSameTree(yes, no) ? yes : { kind: "source", set, yes, no };
  }

  private find(
    node: Extract<GraphNode, { kind: "switch" | "translate" | "load" }>,
    subject: Subject,
  ): MapElement | undefined {
    if (readsSource(node.reads)) throw new Unsupported("a map that is asked for the source");
    this.observer.consulted(node.map, node.reads);
    const key = this.valuesOf(node.reads, subject);
    return key === undefined ? undefined : node.map.index.find(key);
  }

  private look(node: Extract<GraphNode, { kind: "test" }>, { protocol }: Subject): void {
    if (node.against.kind === "set") this.observer.consulted(node.against.set, node.reads);
    else if (node.reads[0] !== undefined) this.observer.compared(node.reads[0], node, protocol);
  }

  /** Undefined when one of them has no value. */
  private valuesOf(reads: readonly Read[], subject: Subject): Value[] | undefined {
    const values: Value[] = [];
    for (const read of reads) {
      const value = this.valueOf(read, subject);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  }

  private valueOf(read: Read, subject: Subject): Value | undefined {
    switch (read.kind) {
      case "constant":
        return read.value;
      case "protocol":
        return subject.protocol;
      case "register":
        return subject.register;
      case "slot":
        return subject.slot + read.offset;
      case "address":
        return addressAt(read.of, subject);
      case "address-type":
        return addressTypeOf(addressAt(read.of, subject), this.environment);
      case "port":
        return read.of === "original" ? subject.port : (subject.endpoint?.port ?? subject.port);
      case "source":
      case "source-type":
        throw new Error("the source is not known");
      default:
        return unreachable(read);
    }
  }
}

/** Whether the same becomes of packets by both. */
function isSameTree(a: OutcomeTree, b: OutcomeTree): boolean {
  switch (a.kind) {
    case "end":
      return (
        b.kind === "end" &&
        a.end === b.end &&
        a.identity === b.identity &&
        a.endpoint?.address === b.endpoint?.address &&
        a.endpoint?.port === b.endpoint?.port
      );
    case "source":
      return b.kind === "source" && a.set === b.set && isSameTree(a.yes, b.yes) && isSameTree(a.no, b.no);
    case "chance":
      return (
        b.kind === "chance" &&
        a.trees.length === b.trees.length &&
        a.trees.every((tree, slot) => isSameTree(tree, b.trees[slot] as OutcomeTree))
      );
    default:
      return unreachable(a);
  }
}

function readsSource(reads: readonly Read[]): boolean {
  for (const each of reads) if (isSource(each)) return true;
  return false;
}

function isSource({ kind }: Read): boolean {
  return kind === "source" || kind === "source-type";
}

function addressAt(of: "original" | "endpoint", { address, endpoint }: Subject): Address {
  return of === "original" ? address : (endpoint?.address ?? address);
}

function endpointIn([address, port]: readonly Value[], { port: asked }: Subject, keepsPort: boolean): RowDestination {
  return { address: address as Address, port: Number((keepsPort ? undefined : port) ?? asked ?? 0) };
}
