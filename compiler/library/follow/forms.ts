/**
 * What Services of one form add to a table: it is found out for one of them, and holds for all.
 *
 * A form is what a Service contributes, with names in the place of its addresses, node ports and labels. Exchange those of one Service with
 * those of another of its form: no rule of the table changes, because no range, no address of the node and nothing else that rules ask for
 * tells them apart. So the rows of the one are those of the other, exchanged.
 */
import { classesBy } from "../../compare/symmetry/classes.ts";
import type { Interval, Ruleset } from "../../ir/types.ts";
import { commentsOf } from "../../lower/contribution.ts";
import type { Contributions } from "../../lower/lower.ts";
import { type Address, FAMILIES } from "../../net/address.ts";
import type { NodeView, ServicePortView } from "../../node/view.ts";
import type { FamilyPart, TablePart } from "../../tabulate/part.ts";
import type { AddressRow, PortRow, RowEndpoints } from "../../tabulate/types.ts";

/** What stands in the place of names in a form, by their numbers. */
export interface ServiceForm {
  readonly text: string;
  readonly addresses: readonly Address[];
  readonly nodePorts: readonly number[];
  readonly labels: readonly string[];
}

export class ServiceForms {
  private readonly isLocal: (address: Address) => boolean;
  private readonly classOf: (address: Address) => number;
  /** Addresses that rules ask for whatever Services there are. */
  private readonly fixed = new Set<unknown>();
  private readonly known = new Map<string, { readonly form: ServiceForm; readonly part: TablePart } | undefined>();

  /** `skeleton`: the rules without the elements of Services. `isLocal`: whether an address is the node's own. */
  constructor(skeleton: Ruleset, isLocal: (address: Address) => boolean) {
    this.isLocal = isLocal;
    const tests: { readonly from: number | bigint; readonly to: number | bigint }[] = [];
    forEachValue(skeleton, (value) => {
      if (!isInterval(value)) this.fixed.add(value);
      else if (typeof value.from !== "string" && typeof value.to !== "string")
        tests.push({ from: value.from, to: value.to });
    });
    this.classOf = classesBy("address", tests);
  }

  /** The form of Services whose ports are `view`; undefined: their rows depend on more than a form has. */
  formOf(view: NodeView, contributions: Contributions): ServiceForm | undefined {
    for (const { affinitySeconds, stickyIdentities } of contributions.values())
      if (affinitySeconds.size > 0 || stickyIdentities.size > 0) return undefined; // numbers are made of names
    const names = new Names(view, (value) => !this.fixed.has(value) && !this.isLocal(value as Address));
    const texts = [...contributions].map(([family, contribution]) => {
      const { maps, sets, shared, picks, protocols, features } = contribution;
      return `${family}${names.textOf([maps, sets, shared, picks, protocols, features])}`;
    });
    const { addresses, nodePorts, labels, intervals } = names;
    const classes = addresses.map((address) => {
      const own = intervals.map(({ from, to }) => (isWithin(address, { from, to }) ? "1" : "0"));
      return `${this.classOf(address)} ${own.join("")}`;
    });
    return { text: `${texts.join("\n")}\n${classes.join()}`, addresses, nodePorts, labels };
  }

  /** What Services of this form add, if that is known: `find` finds it out otherwise, and gives undefined where the table has no room for
   *  such rows. */
  partOf(form: ServiceForm, find: () => TablePart | undefined): TablePart | undefined {
    const known = this.copyOf(form);
    if (known !== undefined) return known;
    const part = find();
    if (part === undefined || this.known.has(form.text)) return part;
    if (this.known.size >= MOST_FORMS) this.known.clear();
    this.known.set(form.text, this.isExchangeable(part, form) ? { form, part } : undefined);
    return part;
  }

  /** What Services of this form add; undefined where that is not known, or more than the form decides it. */
  copyOf(form: ServiceForm): TablePart | undefined {
    const known = this.known.get(form.text);
    return known && exchanged(known.part, known.form, form);
  }

  /** Whether all that differs from Service to Service has a name. */
  private isExchangeable({ families, behaviours }: TablePart, { addresses, labels }: ServiceForm): boolean {
    const named = new Set<Address>(addresses);
    const isNamed = (address: Address): boolean => named.has(address) || this.isLocal(address);
    const isRowNamed = ({ label, lists, allowed }: PortRow): boolean =>
      labels.includes(label) &&
      lists.every((list) => list.every(({ address }) => isNamed(address))) &&
      (allowed ?? []).every((interval) => !addresses.some((address) => isWithin(address, interval)));
    const reasons = new Set(behaviours.flatMap((each) => each.flatMap((answers) => answers.flatMap((a) => a.reasons))));
    return (
      [...reasons].every((reason) => !labels.some((label) => reason.includes(label))) &&
      FAMILIES.every(
        (family) =>
          families[family].rows.every((row) => named.has(row.address) && isRowNamed(row)) &&
          families[family].local.every(({ row }) => isRowNamed(row)) &&
          families[family].points.every(({ from }) => named.has(from)),
      )
    );
  }
}

/** More are not kept. */
const MOST_FORMS = 4096;

/** Node ports below it are not told from other numbers. */
const FIRST_NAMED_PORT = 20_000;
/** Likewise addresses of IPv4. */
const FIRST_NAMED_ADDRESS = 2 ** 24;

/** Gives names to what Services have of their own, in the order in which a text has them. */
class Names {
  readonly addresses: Address[] = [];
  readonly nodePorts: number[] = [];
  readonly labels: string[] = [];
  /** Those in the text. */
  readonly intervals: Interval[] = [];
  /** The name of each, "" until it is met. */
  private readonly names = new Map<unknown, string>();
  private text = "";

  /** `isNamed`: whether an address or a node port may have a name. */
  constructor(view: NodeView, isNamed: (value: Address | number) => boolean) {
    const ports = FAMILIES.flatMap((family) => view[family]);
    const others = new Set(ports.flatMap(numbersOf));
    for (const port of ports) {
      for (const label of commentsOf(port)) this.names.set(label, "");
      for (const address of addressesOf(port))
        if (isNamed(address) && (typeof address === "bigint" || address >= FIRST_NAMED_ADDRESS))
          this.names.set(address, "");
      const { nodePort } = port;
      if (nodePort !== undefined && nodePort >= FIRST_NAMED_PORT && !others.has(nodePort) && isNamed(nodePort))
        this.names.set(nodePort, "");
    }
  }

  /** The text of `value`, with names; intervals and named values are noted. */
  textOf(value: unknown): string {
    this.text = "";
    this.write(value);
    return this.text;
  }

  private write(value: unknown): void {
    if (typeof value !== "object" || value === null) {
      const name = this.names.get(value);
      if (name !== undefined) this.text += name === "" ? this.name(value) : name;
      else this.text += typeof value === "string" ? JSON.stringify(value) : `${value}`;
    } else if (Array.isArray(value)) {
      this.text += "[";
      for (const each of value) this.writePart(each);
      this.text += "]";
    } else if (value instanceof Map) {
      this.text += "{";
      for (const [key, each] of value) {
        this.write(key);
        this.text += ":";
        this.writePart(each);
      }
      this.text += "}";
    } else if (value instanceof Set) {
      this.text += "(";
      for (const each of value) this.writePart(each);
      this.text += ")";
    } else this.writeObject(value);
  }

  private writePart(value: unknown): void {
    this.write(value);
    this.text += ",";
  }

  private writeObject(value: object): void {
    if (isInterval(value)) {
      this.intervals.push(value);
      if (value.from !== value.to) {
        this.text += `${value.from}-${value.to}`;
        return;
      }
    }
    this.text += "{";
    for (const key in value) {
      if (key === "origin") continue;
      this.text += `${key}:`;
      this.writePart((value as Readonly<Record<string, unknown>>)[key]);
    }
    this.text += "}";
  }

  private name(value: unknown): string {
    const list: unknown[] =
      typeof value === "string" ? this.labels : this.isPort(value) ? this.nodePorts : this.addresses;
    const name = `${typeof value === "string" ? "label" : this.isPort(value) ? "port" : typeof value} ${list.length}`;
    list.push(value);
    this.names.set(value, name);
    return name;
  }

  private isPort(value: unknown): boolean {
    return typeof value === "number" && value < FIRST_NAMED_ADDRESS;
  }
}

function addressesOf(port: ServicePortView): Address[] {
  const { clusterIp, externalIps, loadBalancerIps, clusterEndpoints, localEndpoints } = port;
  return [
    clusterIp,
    ...[...externalIps, ...loadBalancerIps, ...clusterEndpoints, ...localEndpoints].map(({ address }) => address),
  ];
}

/** Numbers of a port that a node port may be taken for. */
function numbersOf({ port, healthCheckNodePort, clusterEndpoints, localEndpoints }: ServicePortView): number[] {
  const ports = [...clusterEndpoints, ...localEndpoints].map((endpoint) => endpoint.port);
  return [port, ...ports, ...(healthCheckNodePort === undefined ? [] : [healthCheckNodePort])];
}

/** `part`, with what `to` has in the place of what `from` has. */
function exchanged(part: TablePart, from: ServiceForm, to: ServiceForm): TablePart {
  const addresses = new Map(from.addresses.map((address, i) => [address, to.addresses[i] as Address]));
  const nodePorts = new Map(from.nodePorts.map((port, i) => [port, to.nodePorts[i] as number]));
  const labels = new Map(from.labels.map((label, i) => [label, to.labels[i] as string]));
  const lists = new Map<RowEndpoints, RowEndpoints>();
  const addressOf = (address: Address): Address => addresses.get(address) ?? address;
  const listOf = (list: RowEndpoints): RowEndpoints => {
    let made = lists.get(list);
    if (made === undefined) {
      made = list.map((endpoint) => ({ ...endpoint, address: addressOf(endpoint.address) }));
      lists.set(list, made);
    }
    return made;
  };
  const rowOf = <Row extends PortRow>(row: Row): Row => ({
    ...row,
    lists: row.lists.map(listOf),
    label: labels.get(row.label) ?? row.label,
  });
  const familyOf = ({ rows, local, points }: FamilyPart): FamilyPart => ({
    rows: rows.map((row): AddressRow => ({ ...rowOf(row), address: addressOf(row.address) })),
    local: local.map(({ localClass, row }) => ({
      localClass,
      row: { ...rowOf(row), port: nodePorts.get(row.port) ?? row.port },
    })),
    points: points.map((point) => ({ ...point, from: addressOf(point.from) })),
  });
  return { ...part, families: { IPv4: familyOf(part.families.IPv4), IPv6: familyOf(part.families.IPv6) } };
}

function isInterval(value: unknown): value is Interval {
  return typeof value === "object" && value !== null && "from" in value && "to" in value;
}

function isWithin(address: Address, { from, to }: Interval): boolean {
  return typeof address === typeof from && (from as Address) <= address && address <= (to as Address);
}

/** All numbers and intervals in it. */
function forEachValue(value: unknown, take: (value: unknown) => void): void {
  if (typeof value === "number" || typeof value === "bigint" || isInterval(value)) take(value);
  else if (Array.isArray(value)) for (const each of value) forEachValue(each, take);
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) if (key !== "origin") forEachValue(each, take);
}
