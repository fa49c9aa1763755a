/** Destinations whose rows are those of another destination with names exchanged: rules need not be walked for them. */
import { getOrMake } from "../memo.ts";
import type { Address } from "../net/address.ts";
import type { Behaviour, Default, PortRow, RowEndpoint, RowEndpoints } from "./types.ts";

/** A destination and its example: that of a Service which is alike but for its names. */
export interface Copy {
  readonly example: Address;
  /** What stands in the place of names of the example's Service: addresses, and labels of rows. */
  readonly addresses: ReadonlyMap<Address, Address>;
  readonly labels: ReadonlyMap<string, string>;
}

/** The copy that an address is, if it is one. */
export type CopyOf = (address: Address) => Copy | undefined;

export const NO_COPIES: CopyOf = () => undefined;

/** Makes rows of copies from those of their examples. */
export class Copier {
  private readonly behaviours: readonly Behaviour[];
  private readonly intern: (list: RowEndpoints) => RowEndpoints;
  private readonly isLocal: (address: Address) => boolean;
  /** By the numbers of behaviours. */
  private readonly reasons = new Map<number, readonly string[]>();

  /** `behaviours`: those found so far. `intern` gives equal lists as one object. `isLocal`: whether an address is the node's own. */
  constructor(
    behaviours: readonly Behaviour[],
    intern: (list: RowEndpoints) => RowEndpoints,
    isLocal: (address: Address) => boolean,
  ) {
    this.behaviours = behaviours;
    this.intern = intern;
    this.isLocal = isLocal;
  }

  /** `own`, that of the example, if it has no name in it. */
  copiedDefault(own: Default, copy: Copy): Default | undefined {
    const isNameless = [own.new, own.invalid, own.untracked].every((behaviour) => this.isNameless(behaviour, copy));
    return isNameless ? own : undefined;
  }

  /** The row of the copy; undefined where the example's row has something that has no name. */
  copiedRow(row: PortRow, copy: Copy): PortRow | undefined {
    const label = copy.labels.get(row.label);
    if (label === undefined || row.allowed !== undefined || !this.isNameless(row.behaviour, copy)) return undefined;
    const lists: RowEndpoints[] = [];
    for (const list of row.lists) {
      const copied = this.copiedList(list, copy);
      if (copied === undefined) return undefined;
      lists.push(copied);
    }
    return { ...row, lists, label };
  }

  private copiedList(list: RowEndpoints, { addresses }: Copy): RowEndpoints | undefined {
    const copied: RowEndpoint[] = [];
    for (const endpoint of list) {
      const address = addresses.get(endpoint.address);
      if (address === undefined && !this.isLocal(endpoint.address)) return undefined;
      copied.push({ ...endpoint, address: address ?? endpoint.address });
    }
    return this.intern(copied);
  }

  /** Whether no reason of a behaviour has a label of the example. */
  private isNameless(behaviour: number, { labels }: Copy): boolean {
    const reasons = getOrMake(this.reasons, behaviour, () => reasonsOf(this.behaviours[behaviour] as Behaviour));
    for (const reason of reasons) for (const label of labels.keys()) if (reason.includes(label)) return false;
    return true;
  }
}

function reasonsOf(behaviour: Behaviour): string[] {
  return [...new Set(behaviour.flatMap((answers) => answers.flatMap(({ reasons }) => reasons)))];
}
