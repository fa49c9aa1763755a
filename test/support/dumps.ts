/** Rules of others as worlds for packets: how they are read and loaded, and a node in which their interfaces exist. */
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, type Family, parseAddress } from "../../compiler/net/address.ts";
import { findInterfaces } from "../../compiler/tabulate/interfaces.ts";
import type { KernelRules } from "../../runtime/kernel/rules.ts";
import { NODE_IPS } from "./arbitraries.ts";
import { completeIptables, sortNft } from "./kube-proxy.ts";
import { type RulesReading, readIptablesText, readNftText } from "./read.ts";
import { readFolder } from "./shared.ts";

export interface Dump {
  readonly name: string;
  readonly text: string;
  readonly families: readonly Family[];
  readonly read: (text: string) => RulesReading;
  /** What the kernel loads of such a text. */
  readonly rules: (text: string) => KernelRules;
}

/** The dumps beside the project; none where they are not there. */
export function allDumps(): Dump[] {
  const iptables = readFolder("corpus/iptables", ".rules").map(({ name, text }): Dump => {
    const family = /ip6\.rules$/.test(name) ? "ip6" : "ip";
    return {
      name,
      text: name === "kube-proxy-overall.rules" ? completeIptables(text) : text,
      families: [family === "ip" ? "IPv4" : "IPv6"],
      read: (each) => readIptablesText(each, family),
      rules: (each) => ({ kind: "iptables", backend: "nft", ip: "", ip6: "", [family]: each }),
    };
  });
  const nft = readFolder("corpus/nft", ".nft").map(({ name, text }): Dump => {
    // The name of the number is only known to newer tools.
    const known = (name === "kube-proxy-overall.nft" ? sortNft(text) : text).replace(
      /(hook output priority) dstnat/g,
      "$1 -100",
    );
    const has = (pattern: RegExp): boolean => pattern.test(known);
    return {
      name,
      text: known,
      families: [
        ...(has(/table (?:ip|inet) /) ? (["IPv4"] as const) : []),
        ...(has(/table (?:ip6|inet) /) ? (["IPv6"] as const) : []),
      ],
      read: readNftText,
      rules: (each) => ({ kind: "nft", text: each }),
    };
  });
  return [...iptables, ...nft];
}

/** A node for a dump. */
export interface DumpNode {
  readonly addresses: readonly Address[];
  /** Devices, the one that leads everywhere first. */
  readonly devices: readonly string[];
  /** The device for a kind of interfaces, by its example. */
  readonly deviceOf: ReadonlyMap<string, string>;
}

/** As many devices as a namespace is given. */
const MOST_DEVICES = 12;

export function nodeFor(program: Program, text: string): DumpNode {
  const own = [...text.matchAll(/^-A INPUT .*-d ((?!0\.|127\.|2[2-5]\d\.)[\d.]+)(?:\/32)? /gm)].map(
    ([, found]) => found ?? "",
  );
  const addresses = [...NODE_IPS, ...mostFrequent(own).slice(0, 2)].flatMap((each) => parseAddress(each) ?? []);
  const ways = [...text.matchAll(/(?: -o |oifname "?)([a-z][\w.-]*)(?=[ "])/g)].map(([, name]) => name ?? "");
  const outer = mostFrequent(ways).find((name) => isDevice(name)) ?? "eth0";
  const deviceOf = new Map<string, string>();
  for (const { example } of findInterfaces(program).kinds) {
    const device = example?.replace(/[^ -~]$/, "k9");
    if (example === undefined || device === undefined || deviceOf.size >= MOST_DEVICES) continue;
    if (isDevice(device)) deviceOf.set(example, device);
  }
  return { addresses, devices: [...new Set([outer, ...deviceOf.values()])], deviceOf };
}

function isDevice(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,14}$/.test(name) && name !== "lo";
}

function mostFrequent(items: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([item]) => item);
}
