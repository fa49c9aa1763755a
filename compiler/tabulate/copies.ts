/** Destinations whose rows are those of another destination with names exchanged: rules need not be walked for them. */
import { getOrMake } from "../memo.ts";
import type { Address } from "../net/address.ts";
import type { AnswerCollector } from "./answers.ts";
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
  private readonly copyOf: CopyOf;
  private readonly answers: Pick<AnswerCollector, "behaviours" | "lists">;
  private readonly isLocal: (address: Address) => boolean;
  /** By the numbers of behaviours. */
  private readonly reasons = new Map<number, readonly string[]>();

  /** `answers`: those found so far; lists of copies are added. `isLocal`: whether an address is the node's own. */
  constructor(
    copyOf: CopyOf,
    answers: Pick<AnswerCollector, "behaviours" | "lists">,
    isLocal: (address: Address) => boolean,
  ) {
    this.copyOf = copyOf;
    this.answers = answers;
    this.isLocal = isLocal;
  }

  /** The default of the copy that `address` is, of `defaults` of addresses before; undefined where that does not give it. */
  defaultAt(address: Address, defaults: ReadonlyMap<Address, Default>): Default | undefined {
    const copy = this.copyOf(address);
    const own = copy && defaults.get(copy.example);
    return own && [own.new, own.invalid, own.untracked].every((behaviour) => this.isNameless(behaviour, copy))
      ? own
      : undefined;
  }

  /** Gives rows of the copy that `address` is, of `rows` of addresses before; undefined where it is none. */
  rowsAt<Key>(
    address: Address,
    rows: ReadonlyMap<Address, ReadonlyMap<Key, PortRow>>,
  ): ((key: Key) => PortRow | undefined) | undefined {
    const copy = this.copyOf(address);
    const known = copy && rows.get(copy.example);
    if (copy === undefined || known === undefined) return undefined;
    return (key) => {
      const row = known.get(key);
      return row && this.copiedRow(row, copy);
    };
  }

  /** Undefined where the example's row has something that has no name. */
  private copiedRow(row: PortRow, copy: Copy): PortRow | undefined {
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
    return getOrMake(this.answers.lists, textOf(copied), () => copied);
  }

  /** Whether no reason of a behaviour has a label of the example. */
  private isNameless(behaviour: number, { labels }: Copy): boolean {
    const reasons = getOrMake(this.reasons, behaviour, () =>
      reasonsOf(this.answers.behaviours[behaviour] as Behaviour),
    );
    for (const reason of reasons) for (const label of labels.keys()) if (reason.includes(label)) return false;
    return true;
  }
}

function reasonsOf(behaviour: Behaviour): string[] {
  return [...new Set(behaviour.flatMap((answers) => answers.flatMap(({ reasons }) => reasons)))];
}

/** As the collector of answers names a list. */
function textOf(list: RowEndpoints): string {
  let text = "";
  for (const { address, port, identity } of list) text += `${address} ${port} ${identity},`;
  const treatments = list.map(({ endpointTreatment }) => endpointTreatment);
  return treatments[0] === undefined ? text : `${text} ${treatments.join()}`;
}
