/** `ipset save`, and what `ipset list` prints, as sets. */
import type { Report, Source } from "../../diagnostics.ts";
import type { Interval } from "../../ir/types.ts";
import { parseAddress } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { maskAddress, prefixRange } from "../../net/prefix.ts";
import { parseServicePort } from "../../net/service-names.ts";
import type { IpSet, IpSetEntry, IpSetPart, IpSets, IpSetValue } from "./types.ts";

/** Whether a text is of ipset, and not of nft or iptables. */
export function isIpset(text: string): boolean {
  // Most large texts have neither word, which is found sooner than where lines begin.
  if (!text.includes("create ") && !text.includes("Name: ")) return false;
  return /^\s*(?:(?:ipset +)?create +\S+ +(?:hash|bitmap|list):|Name: \S+\r?\n\s*Type: (?:hash|bitmap|list):)/m.test(
    text,
  );
}

/** The sets in `source`. Reports `rules-syntax` and `unknown-set`; what is wrong is left out. */
export function readIpset(source: Source, report: Report): IpSets {
  return new IpsetReader(source, report).read();
}

const PARTS: ReadonlySet<string> = new Set<IpSetPart>(["ip", "net", "port", "mac", "mark", "iface", "set"]);

interface OpenSet extends IpSet {
  readonly netmask: number | undefined;
}

class IpsetReader {
  private readonly source: Source;
  private readonly report: Report;
  private readonly sets = new Map<string, OpenSet>();
  /** Of `ipset list`: the set whose lines are read. */
  private listed: { name: string; type: string; set: OpenSet | undefined } | undefined;

  constructor(source: Source, report: Report) {
    this.source = source;
    this.report = report;
  }

  read(): IpSets {
    for (const found of this.source.text.matchAll(/^[^\r\n]*/gm)) {
      const line = found[0].replace(/^\s+/, "");
      const start = found.index + found[0].length - line.length;
      if (line.trim() !== "" && !line.startsWith("#")) this.readLine(line.trimEnd(), start);
    }
    return this.sets;
  }

  private fail(code: "rules-syntax" | "unknown-set", message: string, start: number, end: number): void {
    const { source } = this;
    const origin = { span: () => ({ source, start, end: Math.max(end, start + 1) }) };
    this.report({ severity: "error", code, message, origin });
  }

  private readLine(line: string, start: number): void {
    const end = start + line.length;
    if (this.readListed(line, start)) return;
    const [verb = "", name, ...rest] = wordsOf(line.replace(/^ipset +/, "")).filter(
      (word) => word !== "-exist" && word !== "-!",
    );
    const command = VERBS[verb];
    if (command === undefined || (name === undefined && command !== "flush")) {
      this.fail(
        "rules-syntax",
        "expected create, add, del, flush or destroy and a set, as ipset save prints them",
        start,
        end,
      );
      return;
    }
    if (command === "create") {
      const [type = "", ...options] = rest;
      this.create(name ?? "", type, options, start, end);
      return;
    }
    if (command === "flush" && name === undefined) {
      for (const set of this.sets.values()) set.entries.length = 0;
      return;
    }
    const set = this.sets.get(name ?? "");
    if (set === undefined) this.fail("unknown-set", `there is no set ${name}: expected create before it`, start, end);
    else if (command === "flush") set.entries.length = 0;
    else if (command === "destroy") this.sets.delete(set.name);
    else this.change(set, command, rest, start, end);
  }

  /** A line of `ipset list`; false: it is none. */
  private readListed(line: string, start: number): boolean {
    const [, key, value = ""] = /^([A-Z][A-Za-z ]*): ?(.*)$/.exec(line) ?? [];
    if (key === "Name") this.listed = { name: value, type: "", set: undefined };
    const { listed } = this;
    if (listed === undefined) return false;
    if (key === "Type") listed.type = value;
    else if (key === "Header")
      listed.set = this.create(listed.name, listed.type, wordsOf(value), start, start + line.length);
    else if (key === undefined && listed.set !== undefined)
      this.change(listed.set, "add", wordsOf(line), start, start + line.length);
    return true;
  }

  private create(
    name: string,
    type: string,
    options: readonly string[],
    start: number,
    end: number,
  ): OpenSet | undefined {
    const found = /^(?:hash|bitmap|list):(.*)$/.exec(type);
    const parts = found?.[1]?.split(",") ?? [];
    if (parts.length === 0 || !parts.every((part): part is IpSetPart => PARTS.has(part))) {
      this.fail("rules-syntax", "expected the type of a set, such as hash:ip,port", start, end);
      return undefined;
    }
    const optionOf = (key: string): string | undefined => {
      const at = options.indexOf(key);
      return at < 0 ? undefined : options[at + 1];
    };
    const isOfAddresses = parts.some((part) => part === "ip" || part === "net");
    const netmask = optionOf("netmask");
    const markmask = optionOf("markmask");
    const unknown =
      optionOf("bitmask") !== undefined
        ? "bitmask"
        : markmask !== undefined && Number(markmask) !== 0xffffffff
          ? "markmask"
          : undefined;
    const set: OpenSet = {
      name,
      type,
      parts,
      family: isOfAddresses ? (optionOf("family") === "inet6" ? "ip6" : "ip") : undefined,
      ...(unknown === undefined ? {} : { unknownOption: unknown }),
      netmask: netmask === undefined ? undefined : Number(netmask),
      entries: [],
    };
    this.sets.set(name, set);
    return set;
  }

  private change(set: OpenSet, verb: "add" | "del", words: readonly string[], start: number, end: number): void {
    const [text = "", ...options] = words;
    const texts = text.split(",");
    const isPrefix = options.includes("wildcard");
    const parts = set.parts.map((part, i) => readPart(part, texts[i], set, isPrefix));
    const known = parts.flatMap((part) => part ?? []);
    if (texts.length !== set.parts.length || known.length < parts.length) {
      this.fail("rules-syntax", `expected an entry of a set of type ${set.type}`, start, end);
      return;
    }
    const entry: IpSetEntry = { parts: known, isException: options.includes("nomatch"), text };
    if (verb === "add") {
      set.entries.push(entry);
      return;
    }
    const at = set.entries.findIndex((other) => other.text === text);
    if (at >= 0) set.entries.splice(at, 1);
  }
}

const VERBS: Readonly<Record<string, "create" | "add" | "del" | "flush" | "destroy">> = {
  create: "create",
  "-N": "create",
  add: "add",
  "-A": "add",
  del: "del",
  "-D": "del",
  flush: "flush",
  "-F": "flush",
  destroy: "destroy",
  "-X": "destroy",
};

function wordsOf(line: string): string[] {
  return line.match(/"[^"]*"|\S+/g) ?? [];
}

// --- parts of entries ----------------------------------------------------------------------------------------------------

function readPart(part: IpSetPart, text: string | undefined, set: OpenSet, isPrefix: boolean): IpSetValue | undefined {
  if (text === undefined || text === "") return undefined;
  switch (part) {
    case "ip":
    case "net":
      return addressesOf(text, set);
    case "port":
      return portsOf(text, set.type === "bitmap:port");
    case "mac":
      return /^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(text)
        ? { kind: "number", value: text.split(":").reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 16), 0) }
        : undefined;
    case "mark":
      return /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? { kind: "number", value: Number(text) } : undefined;
    case "iface":
      return text.startsWith("physdev:") ? { kind: "other" } : { kind: "interface", name: text, isPrefix };
    case "set":
      return { kind: "set", name: text };
    default:
      return part satisfies never;
  }
}

/** An address, `ADDRESS/LENGTH`, `FROM-TO`. */
function addressesOf(text: string, { family, netmask }: OpenSet): IpSetValue | undefined {
  const bits = family === "ip6" ? 128 : 32;
  const isOfFamily = (address: ReturnType<typeof parseAddress>): boolean =>
    address !== undefined && (typeof address === "bigint") === (family === "ip6");
  const [first = "", second, ...more] = text.split("-");
  if (second !== undefined) {
    const [from, to] = [parseAddress(first), parseAddress(second)];
    if (from === undefined || to === undefined || !isOfFamily(from) || !isOfFamily(to) || from > to || more.length > 0)
      return undefined;
    return { kind: "addresses", interval: { from, to }, length: bits };
  }
  const [addressText = "", lengthText] = text.split("/");
  const address = parseAddress(addressText);
  const length = lengthText === undefined ? (netmask ?? bits) : Number(lengthText);
  if (address === undefined || !isOfFamily(address) || !Number.isInteger(length) || length < 0 || length > bits)
    return undefined;
  return { kind: "addresses", interval: prefixRange({ address: maskAddress(address, length), length }), length };
}

/** `80`, `80-90`, `udp:53`; of other protocols than those with ports the number means something else. */
function portsOf(text: string, isPlain: boolean): IpSetValue | undefined {
  const [first = "", ...rest] = text.split(":");
  const protocol = isPlain ? undefined : rest.length === 0 ? TCP : parseProtocol(first);
  if (!isPlain && protocol === undefined) return undefined;
  if (protocol !== undefined && !WITH_PORTS.has(protocol)) return { kind: "other", protocol };
  const interval = intervalOfPorts(rest.length === 0 ? first : rest.join(":"));
  return interval === undefined ? undefined : { kind: "ports", protocol, interval };
}

const TCP = 6;
const WITH_PORTS: ReadonlySet<number> = new Set([TCP, 17, 132]);

function intervalOfPorts(text: string): Interval | undefined {
  const [first = "", second = first, ...more] = text.split("-");
  const numberOf = (word: string): number | undefined => (word === "0" ? 0 : (parseServicePort(word) ?? undefined));
  const [from, to] = [numberOf(first), numberOf(second)];
  return from === undefined || to === undefined || from > to || more.length > 0 ? undefined : { from, to };
}
