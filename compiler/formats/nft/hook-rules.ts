/** In which families, chain types and hooks the kernel (Linux 6.18) takes what stands in rules of nft, and base chains. */
import type { BaseChain, Hook, TableFamily } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";
import type { BaseKind } from "./chain-hooks.ts";
import type { StatementNode, SyntaxNode } from "./syntax.ts";

/** What a rule stands in. */
export interface ChainPlace {
  readonly family: TableFamily;
  /** The rule stands in a base chain itself. */
  readonly isBase: boolean;
  /** The base chains that lead to the rule's, or that one. Where there is none the kernel asks for no hook. */
  readonly bases: () => ReadonlySet<BaseKind>;
}

interface Wanted {
  /** Without it in all families. */
  readonly families?: readonly TableFamily[];
  readonly type?: BaseChain["type"];
  /** By family; in others at no hook. Without it at all hooks. */
  readonly hooks?: Readonly<Partial<Record<TableFamily, readonly Hook[]>>>;
}

const IP: readonly TableFamily[] = ["ip", "ip6", "inet"];

/** At `hooks` in tables of IP, at `others` in tables of other families. */
function at(hooks: readonly Hook[], others: Wanted["hooks"] = {}): NonNullable<Wanted["hooks"]> {
  return { ip: hooks, ip6: hooks, inet: hooks, ...others };
}

const COMING: readonly Hook[] = ["prerouting", "input", "forward"];
const LEAVING: readonly Hook[] = ["forward", "output", "postrouting"];
const IP_HOOKS: readonly Hook[] = ["prerouting", "input", "forward", "output", "postrouting"];
const NAT_OF_DESTINATION: Wanted = { families: IP, type: "nat", hooks: at(["prerouting", "output"]) };
const REJECTING: readonly Hook[] = ["ingress", ...COMING, "output"];

const OF_STATEMENT: ReadonlyMap<string, Wanted> = new Map<string, Wanted>(
  Object.entries({
    dnat: NAT_OF_DESTINATION,
    redirect: NAT_OF_DESTINATION,
    snat: { families: IP, type: "nat", hooks: at(["input", "postrouting"]) },
    masquerade: { families: IP, type: "nat", hooks: at(["postrouting"]) },
    reject: {
      families: [...IP, "bridge", "netdev"],
      hooks: at(REJECTING, { bridge: ["prerouting", "input"], netdev: ["ingress"] }),
    },
    tproxy: { families: IP, hooks: at(["prerouting"]) },
    synproxy: { families: IP, hooks: at(["input", "forward"]) },
    flow: { families: IP, hooks: at(["forward"]) },
    queue: { families: [...IP, "bridge"], hooks: at(IP_HOOKS, { bridge: IP_HOOKS }) },
    dup: { families: ["ip", "ip6", "netdev"] },
    fwd: { families: ["netdev"] },
  }),
);

const CONNECTION: Wanted = { families: [...IP, "bridge"] };
const OF_BRIDGE: Wanted = { families: ["bridge"] };
const SLAVE: Wanted = { hooks: at(["input", "forward"]) };
const SECURED: Wanted = { hooks: at(COMING, { netdev: ["ingress"] }) };

const PACKET_TYPE: Wanted = { hooks: at(["prerouting"], { bridge: ["prerouting"], netdev: ["ingress"] }) };

/** By the key of `meta`. */
const OF_META: Readonly<Record<string, Wanted>> = {
  nfproto: { families: ["inet"] },
  ipsec: SECURED,
  secpath: SECURED,
  sdif: SLAVE,
  sdifname: SLAVE,
  ibrname: OF_BRIDGE,
  obrname: OF_BRIDGE,
  ibriport: OF_BRIDGE,
  obriport: OF_BRIDGE,
  ibrpvid: OF_BRIDGE,
  ibrvproto: OF_BRIDGE,
};

/** What was expected where the kernel does not take `statement` at `place`. */
export function placeRefused(statement: StatementNode, place: ChainPlace): string | undefined {
  const name = "name" in statement ? statement.name : statement.kind;
  const own = OF_STATEMENT.get(name);
  return (
    (own === undefined ? undefined : refusedAt(name, own, place)) ??
    (countsConnections(statement) ? refusedAt("ct count", CONNECTION, place) : undefined) ??
    (statement.kind === "set" && isPacketType(statement.left)
      ? refusedAt("meta pkttype set", PACKET_TYPE, place)
      : undefined) ??
    fieldsRefused(statement, place)
  );
}

function refusedAt(what: string, { families, type, hooks }: Wanted, place: ChainPlace): string | undefined {
  const { family, isBase, bases } = place;
  if (families?.includes(family) === false) return `expected ${what} in tables of family ${orOf(families)} only`;
  if (type === undefined && hooks === undefined) return undefined;
  for (const base of bases()) {
    const from = isBase ? "" : `: chain ${base.chain} leads to this one`;
    if (type !== undefined && base.type !== type) return `expected ${what} in chains of type ${type} only${from}`;
    if (hooks === undefined || hooks[family]?.includes(base.hook) === true) continue;
    const allowed = hooks[family];
    return allowed === undefined
      ? `expected ${what} in tables of family ${orOf(Object.keys(hooks))} only`
      : `expected ${what} at hook ${orOf(allowed.filter((hook) => HOOKS[family].includes(hook)))} only, found ${base.hook}${from}`;
  }
  return undefined;
}

function countsConnections(statement: StatementNode): boolean {
  if (statement.kind === "plain") return statement.name === "ct count";
  return statement.kind === "update" && statement.statements.some((each) => /^ct\b/.test(each));
}

function isPacketType(node: SyntaxNode): boolean {
  return node.kind === "field" && node.words.at(-1) === "pkttype";
}

function wantedByField(words: readonly string[]): Wanted | undefined {
  const [header = "", key = ""] = words;
  switch (header) {
    case "ct":
      return CONNECTION;
    case "socket":
      return { families: IP, hooks: at(["prerouting", "input", "output"]) };
    case "osf":
      return { hooks: { ip: COMING, inet: COMING } };
    case "fib":
      return wantedByFib(words);
    case "ipsec":
      return { families: IP, hooks: at(key === "out" ? LEAVING : COMING) };
    case "rt":
      if (words.at(-1) === "mtu") return { hooks: at(LEAVING) };
      return /^(?:classid|nexthop|ipsec)$/.test(words.at(-1) ?? "")
        ? { hooks: at(REJECTING.concat("postrouting")) }
        : undefined;
    default:
      return meaningOf(OF_META, header === "meta" ? key : header);
  }
}

/** `fib saddr . iif oif`: routes are looked up for packets that come, or leave, by the interface. */
function wantedByFib(words: readonly string[]): Wanted {
  const families: Wanted["families"] = [...IP, "netdev"];
  const flags = words.slice(1, -1);
  if (words.at(-1) !== "type" || flags.includes("iif")) return { families, hooks: at(COMING, { netdev: ["ingress"] }) };
  if (flags.includes("oif")) return { families, hooks: at(LEAVING, { netdev: ["egress"] }) };
  return { families, hooks: at(IP_HOOKS, { netdev: ["ingress", "egress"] }) };
}

/** What was expected of a property of the packet that a statement asks for or writes. */
function fieldsRefused(statement: StatementNode, place: ChainPlace): string | undefined {
  switch (statement.kind) {
    case "match":
      return nodeRefused(statement.left, place);
    case "vmap":
    case "plain":
      return nodeRefused(statement.key, place);
    case "set":
      return nodeRefused(statement.left, place) ?? nodeRefused(statement.right, place);
    case "nat":
      return nodeRefused(statement.to, place) ?? nodeRefused(statement.ports, place);
    case "masquerade":
      return nodeRefused(statement.ports, place);
    case "update":
      return nodeRefused(statement.key, place) ?? nodeRefused(statement.data, place);
    default:
      // Others have no properties.
      return undefined;
  }
}

function nodeRefused(node: SyntaxNode | undefined, place: ChainPlace): string | undefined {
  switch (node?.kind) {
    case "field": {
      const wanted = wantedByField(node.words);
      return wanted === undefined ? undefined : refusedAt(node.words.join(" "), wanted, place);
    }
    case "concat":
    case "list":
      return first(node.kind === "list" ? node.items : node.parts, (part) => nodeRefused(part, place));
    case "binary":
      return nodeRefused(node.left, place) ?? nodeRefused(node.right, place);
    case "map":
      return nodeRefused(node.key, place);
    default:
      // Values.
      return undefined;
  }
}

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

// --- base chains ---------------------------------------------------------------------------------------------------------

const HOOKS: Readonly<Record<TableFamily, readonly Hook[]>> = {
  ip: IP_HOOKS,
  ip6: IP_HOOKS,
  inet: ["ingress", ...IP_HOOKS],
  bridge: IP_HOOKS,
  arp: ["input", "output"],
  netdev: ["ingress", "egress"],
};

const HOOKS_OF_TYPE: Readonly<Record<BaseChain["type"], readonly Hook[] | undefined>> = {
  filter: undefined,
  nat: ["prerouting", "input", "output", "postrouting"],
  route: ["output"],
};

/** Names of priorities that do not fit every hook. nft before 1.0.9 takes the first hook only. */
const HOOKS_OF_PRIORITY: Readonly<Record<string, readonly Hook[]>> = {
  dstnat: ["prerouting", "output"],
  srcnat: ["postrouting", "input"],
  out: ["output"],
};

/** Connections have to be known before they can be translated. */
const CONNTRACK_PRIORITY = -200;

/** What was expected where the kernel, or nft, does not take a base chain in a table of `family`. `priorityText`: as it is
 *  written. */
export function baseChainRefused(
  { type, hook, priority, device }: Pick<BaseChain, "type" | "hook" | "priority" | "device">,
  priorityText: string,
  family: TableFamily,
): string | undefined {
  if (!HOOKS[family].includes(hook))
    return `expected hook ${orOf(HOOKS[family])} in a table of family ${family}, found ${hook}`;
  if (type !== "filter" && !IP.includes(family))
    return `expected type filter in a table of family ${family}, found ${type}`;
  const hooks = HOOKS_OF_TYPE[type];
  if (hooks?.includes(hook) === false) return `expected hook ${orOf(hooks)} in a chain of type ${type}, found ${hook}`;
  if (type === "nat" && priority <= CONNTRACK_PRIORITY)
    return `expected a priority above ${CONNTRACK_PRIORITY} in a chain of type nat, found ${priorityText}`;
  const name = /^[a-z]+/.exec(priorityText)?.[0] ?? "";
  const own = meaningOf(HOOKS_OF_PRIORITY, name);
  if (own?.includes(hook) === false) return `expected priority ${name} at hook ${orOf(own)} only, found ${hook}`;
  // nft -j leaves devices out, and nft lists none for a chain whose device has gone.
  return device !== undefined && IP_HOOKS.includes(hook) ? `expected no device at hook ${hook}` : undefined;
}

function orOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
