/** The sources that translations give. */
import type { Interval, NatRandom } from "../ir/types.ts";
import { type Address, printAddress } from "../net/address.ts";
import type { PacketSet } from "../packets/packet-set.ts";
import type { Spread } from "../packets/preimage.ts";
import type { Because } from "./frame.ts";
import {
  type Give,
  type Given,
  mapAddress,
  mapped,
  printAddresses,
  printInterval,
  shiftPort,
  translatesPorts,
} from "./nat.ts";
import type { SourceChoice } from "./packet.ts";
import { type Branch, changeShared, isExplained, type Now, type SharedState, valueNow } from "./state.ts";

type GivenSource = NonNullable<SharedState["newSource"]>;

/** Sources of `snat`: which one of several is not followed. */
export function sources(because: Because, by: string | undefined, random: NatRandom): (shared: SharedState) => Give {
  return (shared) => {
    const known = new Map<string, SharedState>();
    return (partition, branch, given, extra) => {
      const newSource = by === undefined ? newSourceOf(branch, shared, given) : chosenBy(by, given.addresses);
      const next =
        known.get(newSource.text) ?? because(withSource({ ...shared, newSource }, branch.region, given, random), extra);
      known.set(newSource.text, next);
      partition.add(branch, "done", next);
    };
  };
}

/** The source that `given` gives to packets; of a mapping it is told of one packet only which it is. */
function newSourceOf({ region }: Branch, shared: SharedState, given: Given): GivenSource {
  const { addresses, netmap, base } = given;
  const ports = translatesPorts(shared) ? given.ports : undefined;
  if (netmap && addresses !== undefined) {
    const now = valueNow(shared.source, region);
    const text = `mapped to ${printAddresses(addresses)}`;
    if (typeof now === "object") return { text: `an address ${text}`, address: undefined };
    const address = mapAddress(now, addresses);
    return { text: `${printAddress(address)} (${text})`, address };
  }
  const found = sourceOf(addresses, ports);
  return base === undefined || ports === undefined ? found : { ...found, text: `${found.text}/${base}` };
}

/** A source that a network plugin translates by design. */
export function chosenBy(by: string, addresses: Interval | undefined): GivenSource {
  return { text: `an address that ${by} chooses`, address: addresses?.from as Address | undefined, by };
}

export function sourceOf(addresses: Interval | undefined, ports: Interval | undefined): GivenSource {
  const behind = ports === undefined ? "" : `:${printInterval(ports, String)}`;
  if (addresses === undefined) return { text: `the node's address${behind}`, address: undefined };
  const address = addresses.from as Address;
  const text = printAddresses(addresses);
  return { text: typeof address === "bigint" && behind !== "" ? `[${text}]${behind}` : `${text}${behind}`, address };
}

/** `shared` of packets that are masqueraded: by the address that the route says. Where it says none, the kernel drops them. */
export function masquerade(
  shared: SharedState,
  region: PacketSet,
  ports: Interval | undefined,
  random: NatRandom,
): SharedState {
  const { route } = shared;
  const port = portAfter(shared, region, { ...(ports && { ports }) }, random);
  const own = { sourcePort: port.sourcePort, masqueraded: true, sourceDecided: true };
  if (route === undefined || route.kind === "none")
    return changeShared(shared, {
      ...own,
      choices: [...port.choices, { of: "address", text: "an address of the node" }],
    });
  if (route.masqueradeSource === undefined) return changeShared(shared, { end: { kind: "drop" } });
  return changeShared(shared, { ...own, choices: port.choices, source: route.masqueradeSource });
}

/** `shared` of packets that have the source that a rule gives: rules behind it see that, as far as the kernel has no choice. */
function withSource(shared: SharedState, region: PacketSet, given: Given, random: NatRandom): SharedState {
  const address = addressAfter(shared, given);
  const port = portAfter(shared, region, given, random);
  return {
    ...shared,
    masqueraded: true,
    sourceDecided: true,
    source: address.source,
    sourcePort: port.sourcePort,
    choices: [...address.choices, ...port.choices],
  };
}

function addressAfter({ source }: SharedState, { addresses, netmap }: Given): Pick<SharedState, "source" | "choices"> {
  if (addresses === undefined) return { source, choices: [] };
  if (netmap) return { source: mapped(asField(source), addresses), choices: [] };
  const isOne = addresses.from === addresses.to;
  const choice: SourceChoice = { of: "address", text: `an address of ${printAddresses(addresses)}` };
  return { source: addresses.from as Address, choices: isOne ? [] : [choice] };
}

/** What many packets have: a value, or a field. */
function asField(now: Now<Address>): Address | Spread {
  return typeof now === "string" ? { field: now } : now;
}

/** Packets keep their port where it is among those that are given, and one of them is chosen else (nf_nat_core.c,
 *  get_unique_tuple); another one, too, where the port is taken already, which is not followed. */
function portAfter(
  shared: SharedState,
  region: PacketSet,
  { ports, base }: Given,
  random: NatRandom,
): Pick<SharedState, "sourcePort" | "choices"> {
  const { sourcePort } = shared;
  if (!translatesPorts(shared)) return { sourcePort, choices: [] };
  const [first, last] = ports === undefined ? ANY_PORT : [Number(ports.from), Number(ports.to)];
  if (ports !== undefined && first === last) return { sourcePort: first, choices: [] };
  const port = isExplained(shared) ? valueNow(sourcePort, region) : undefined;
  if (random === "none") {
    if (ports === undefined) return { sourcePort, choices: [] };
    if (typeof port === "number" && base !== undefined)
      return { sourcePort: shiftPort(port, base, first, last), choices: [] };
    if (typeof port === "number" && port >= first && port <= last) return { sourcePort, choices: [] };
  }
  const choice: SourceChoice = { of: "port", text: `a port of ${first}-${last}` };
  return { sourcePort: ports === undefined ? sourcePort : first, choices: [choice] };
}

/** What the kernel chooses from for a port above 1023, where a rule names none. */
const ANY_PORT = [1024, 65535] as const;
