/** Where translations lead. */
import { CT_STATUS } from "../ir/constants.ts";
import type { Interval, MapElement, NatRandom, NatTarget, Statement, Value } from "../ir/types.ts";
import { type Address, familyOf, printAddress } from "../net/address.ts";
import { evaluateExpression, isUnknown } from "./expression.ts";
import type { Because, Frame, ReasonExtra, StepProgress } from "./frame.ts";
import type { Reason } from "./packet.ts";
import { Ranges } from "./ranges.ts";
import { within, without } from "./region.ts";
import { lookUpInFilledMap } from "./remember.ts";
import { Sorter } from "./sorter.ts";
import {
  type Control,
  isExplained,
  type Now,
  narrow,
  type State,
  type Stream,
  translate,
  valueNow,
  withBits,
} from "./state.ts";
import { assumeElement, isData } from "./unknown-element.ts";

/** What a translation does to a stream that is given an address and a port, each one of an interval where there is one. */
type Give = (
  sorter: Sorter<"next" | "done">,
  stream: Stream,
  addresses: Interval | undefined,
  ports: Interval | undefined,
  extra: ReasonExtra,
) => void;

export function runNat(to: NatTarget, state: State, frame: Frame, giveBy: (control: Control) => Give): StepProgress[] {
  const list = to.kind === "map" ? frame.table.lists.filledSet(to.map, frame.table.table) : undefined;
  if (to.kind === "literal" || list === undefined) return translateTo(to, state, frame, giveBy);
  return lookUpInFilledMap(to.key, list, state, (each) => translateTo(to, each, frame, giveBy));
}

function translateTo(to: NatTarget, state: State, frame: Frame, giveBy: (control: Control) => Give): StepProgress[] {
  const { control, streams } = state;
  const give = giveBy(control);
  const sorter = new Sorter<"next" | "done">(state);
  if (to.kind === "literal") {
    for (const stream of streams) give(sorter, stream, to.addresses, to.ports, {});
    return sorter.progress;
  }
  const declaration = frame.table.map(to.map);
  const giveFound = (each: Give, into: typeof sorter, stream: Stream, element: MapElement | undefined): void => {
    if (element === undefined || !isData(element.value)) {
      into.add(stream, "next");
      return;
    }
    const [address, port] = element.value.map((value): Interval => ({ from: value, to: value }));
    each(into, stream, address, port, { element, declaration });
  };
  if (isUnknown(to.key, control))
    return assumeElement(to.key, declaration.elements, state, frame.table, (element, chosen) => {
      const own = new Sorter<"next" | "done">(chosen);
      const giveThem = giveBy(chosen.control);
      for (const stream of chosen.streams) giveFound(giveThem, own, stream, element);
      return own.progress;
    });
  const elements = frame.table.mapElements(to.map);
  for (const stream of streams) {
    for (const { region, probability, value } of evaluateExpression(to.key, control, stream, frame.table)) {
      if (value === undefined) sorter.add(narrow(stream, region, probability), "next");
      else
        for (const { region: part, element } of elements.split(value, region))
          giveFound(give, sorter, narrow(stream, part, probability), element);
    }
  }
  return sorter.progress;
}

/** One of the destinations that a stream is given. */
interface Way {
  readonly stream: Stream;
  readonly address: Now<Address>;
  readonly port: Now<number>;
  /** As in `Result`. */
  readonly taken: readonly string[];
}

const NOTHING_TAKEN: readonly string[] = [];

/** Destinations. */
export function destinations(because: Because, random: NatRandom): (control: Control) => Give {
  return (control) => {
    const controls = sentControls(control, because, true);
    return (sorter, stream, addresses, ports, extra) => {
      for (const chosen of addressesFor(stream, addresses))
        for (const way of portsFor(chosen, ports, random)) sendOn(sorter, way, controls, extra);
    };
  };
}

/** A redirected packet stays here. */
export function redirect(
  { ports, random }: Extract<Statement, { kind: "redirect" }>,
  state: State,
  because: Because,
): StepProgress[] {
  const { control, streams } = state;
  const controls = sentControls(control, because, false);
  const sorter = new Sorter<"next" | "done">(state);
  for (const stream of streams) {
    const chosen: Way = {
      stream,
      address: redirectAddress(control, stream),
      port: stream.destinationPort,
      taken: NOTHING_TAKEN,
    };
    for (const way of portsFor(chosen, ports, random)) sendOn(sorter, way, controls, {});
  }
  return sorter.progress;
}

type ControlOf = (isChanged: boolean, way: Way, sent: Stream, extra: ReasonExtra) => Control;

function sendOn(sorter: Sorter<"next" | "done">, way: Way, controlOf: ControlOf, extra: ReasonExtra): void {
  const { same, others } = translate(way.stream, way.address, way.port);
  if (same !== undefined) sorter.add(same, "done", controlOf(false, way, same, extra));
  for (const each of others) sorter.add(each, "done", controlOf(true, way, each, extra));
}

/** What streams have in common that are sent on; the same object where it is the same. `isSaid`: a rule said where they go. */
function sentControls(control: Control, because: Because, isSaid: boolean): ControlOf {
  const known = new Map<string, Control>();
  return (isChanged, { taken }, sent, extra) => {
    const key = `${isChanged} ${taken.join("\n")}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const next = {
      ...control,
      ctStatus: isChanged ? withBits(control.ctStatus, CT_STATUS.dnat) : control.ctStatus,
      destinationSettled: true,
      takenBy: [...control.takenBy, ...taken],
      translated: control.translated || isSaid,
    };
    if (isExplained(control)) return because(next, isSaid ? { ...extra, ...translatedTo(sent) } : extra);
    known.set(key, next);
    return next;
  };
}

/** Sources: which one of several is not followed. */
export function sources(because: Because, by: string | undefined): (control: Control) => Give {
  return (control) => {
    const known = new Map<string, Control>();
    return (sorter, stream, addresses, ports, extra) => {
      const newSource = by === undefined ? sourceOf(addresses, ports) : chosenBy(by, addresses);
      const key = newSource?.text ?? "";
      const next = known.get(key) ?? because({ ...control, masqueraded: true, sourceSettled: true, newSource }, extra);
      known.set(key, next);
      sorter.add(stream, "done", next);
    };
  };
}

/** A source that a network plugin translates by design. */
export function chosenBy(by: string, addresses: Interval | undefined): Control["newSource"] {
  return { text: `an address that ${by} chooses`, address: addresses?.from as Address | undefined, by };
}

export function sourceOf(addresses: Interval | undefined, ports: Interval | undefined): Control["newSource"] {
  const address = addresses?.from as Address | undefined;
  const behind = ports === undefined ? "" : `:${printInterval(ports, String)}`;
  if (addresses === undefined || address === undefined)
    return { text: `the node's address${behind}`, address: undefined };
  const text = printInterval(addresses, (each) => printAddress(each as Address));
  return { text: typeof address === "bigint" && behind !== "" ? `[${text}]${behind}` : `${text}${behind}`, address };
}

function printInterval({ from, to }: Interval, print: (value: Value) => string): string {
  return from === to ? print(from) : `${print(from)}-${print(to)}`;
}

/** More addresses than this are not told apart. */
const MOST_ADDRESSES = 64;

/** The kernel chooses by the client's address: each is the one for as many (nf_nat_core.c, find_best_ips_proto). */
function addressesFor(stream: Stream, addresses: Interval | undefined): readonly Way[] {
  const port = stream.destinationPort;
  if (addresses === undefined) return [{ stream, address: stream.destination, port, taken: NOTHING_TAKEN }];
  const first = addresses.from as Address;
  const count = Number(BigInt(addresses.to) - BigInt(first)) + 1;
  if (count > MOST_ADDRESSES) {
    const text = printInterval(addresses, (each) => printAddress(each as Address));
    return [{ stream, address: first, port, taken: [`a choice of ${text}`] }];
  }
  if (count === 1) return [{ stream, address: first, port, taken: NOTHING_TAKEN }];
  return Array.from({ length: count }, (_, i) => ({
    stream: narrow(stream, stream.region, 1 / count),
    address: (typeof first === "bigint" ? first + BigInt(i) : first + i) as Address,
    ...{ port, taken: NOTHING_TAKEN },
  }));
}

/** Of several ports packets keep theirs if it is among them, and get the first one else (nf_nat_core.c, get_unique_tuple). */
function portsFor(way: Way, ports: Interval | undefined, random: NatRandom): readonly Way[] {
  const { stream, address, taken } = way;
  if (ports === undefined) return [way];
  const [first, last] = [Number(ports.from), Number(ports.to)];
  if (first === last) return [{ stream, address, port: first, taken }];
  if (random !== "none")
    return [{ stream, address, port: first, taken: [...taken, `a choice of ports ${first}-${last}`] }];
  const wanted = new Ranges([first, last + 1]);
  const port = valueNow(stream.destinationPort, stream.region);
  if (typeof port !== "object") return [wanted.has(port) ? way : { ...way, port: first }];
  const [inside, outside] = [within(stream.region, port.field, wanted), without(stream.region, port.field, wanted)];
  return [
    ...(inside === undefined ? [] : [{ ...way, stream: narrow(stream, inside) }]),
    ...(outside === undefined ? [] : [{ ...way, stream: narrow(stream, outside), port: first }]),
  ];
}

/** The one destination that packets have now. */
function translatedTo({ destination, destinationPort, region }: Stream): Pick<Reason, "translated"> {
  const [address, port] = [valueNow(destination, region), valueNow(destinationPort, region)];
  return typeof address === "object" || typeof port === "object" ? {} : { translated: { address, port } };
}

/** A redirected packet stays here: by its own name when it came from here, else by an address of the node. */
function redirectAddress({ original, environment }: Control, { destination }: Stream): Now<Address> {
  const { family, inInterface } = original;
  if (inInterface === undefined) return (family === "IPv4" ? 0x7f000001 : 1n) as Address;
  return [...environment.localAddresses].find((address) => familyOf(address) === family) ?? destination;
}
