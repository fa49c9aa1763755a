/** A program with each member of each type of the IR. A new member does not compile until it is here. */
import type { Origin } from "../../compiler/diagnostics.ts";
import type {
  HostRoutes,
  ListeningPort,
  RequestRule,
  RequestTarget,
  RouteFilter,
  RouteTarget,
  TlsTable,
} from "../../compiler/ir/routes.ts";
import type {
  AskedMap,
  AskedSet,
  Chain,
  Component,
  DataType,
  ElementKey,
  Expression,
  MapDeclaration,
  NatTarget,
  Program,
  Rule,
  SetDeclaration,
  SetProperties,
  Step,
  Table,
  Value,
  Verdict,
} from "../../compiler/ir/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import { block, ipv4, ipv6 } from "./ir.ts";

/** `T` with all members that it may have, down to the last. */
type Complete<T> = T extends Origin | string | number | bigint | boolean
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Complete<Item>[]
    : { readonly [K in keyof T]-?: Complete<Exclude<T[K], undefined>> };

/** A complete sample of each kind of `T`. */
type Samples<T extends Kinds> = { readonly [K in T["kind"]]: Complete<OfKind<T, K>> };

type Kinds = { readonly kind: string };

/** Those of `T` that may be of kind `K`. */
type OfKind<T extends Kinds, K extends string> = T extends Kinds ? (K extends T["kind"] ? T : never) : never;

const source = { name: "a.yaml", text: "a" };
const origin: Origin = { span: () => ({ source, start: 0, end: 1 }), assumed: ["pod"] };

// --- keys, values, verdicts -----------------------------------------------------------------------------------------

const VALUES: Readonly<Record<DataType, Value>> = {
  ipv4_addr: ipv4("10.0.0.1"),
  ipv6_addr: ipv6("::1"),
  ether_addr: 0x020000000001,
  ether_type: 0x0800,
  inet_proto: 6,
  inet_service: 80,
  mark: 0xffffffff,
  classid: 0x10002,
  integer: 3,
  ifname: "eth0",
  iface_index: 1,
  ct_state: 2,
  ct_status: 4,
  ct_dir: 1,
  fib_addrtype: 2,
  nf_proto: 10,
  icmp_type: 8,
  icmpv6_type: 128,
  icmp_code: 3,
  icmpv6_code: 4,
  tcp_flag: 2,
  pkt_type: 1,
  uid: 1000,
  gid: 1000,
  dscp: 8,
};

const KEY: readonly Complete<Component>[] = [
  { type: "ipv4_addr", sample: { kind: "ip", field: "saddr" } },
  { type: "ipv6_addr", sample: { kind: "ip6", field: "daddr" } },
  { type: "inet_service", sample: { kind: "transport", protocol: "th", field: "dport" } },
  { type: "ifname", sample: { kind: "meta", key: "iifname" } },
];
const KEY_TYPES = KEY.map(({ type }) => type);
const ASKED = { kind: "concat", parts: KEY.map(({ sample }) => sample) } as const;

const KEYS: readonly Complete<ElementKey>[] = [
  KEY_TYPES.map((type) => VALUES[type]),
  [block("10.1.0.0/16"), block("fd00:1::/32"), { from: 81, to: 89 }, { from: "veth", to: "veth~" }],
  { kind: "others" },
];

const VERDICTS: Samples<Verdict> = {
  accept: { kind: "accept" },
  drop: { kind: "drop" },
  continue: { kind: "continue" },
  return: { kind: "return" },
  jump: { kind: "jump", chain: "last" },
  goto: { kind: "goto", chain: "last" },
};

const IN_ELEMENTS = { timeoutSeconds: 1.5, statements: ["counter"], comment: "an element", origin } as const;

// --- sets and maps --------------------------------------------------------------------------------------------------

const PROPERTIES: Complete<Omit<SetProperties, "name" | "dynamic">> = {
  key: KEY,
  interval: true,
  constant: true,
  size: 100,
  timeoutSeconds: 60.25,
  timeouts: true,
  gcIntervalSeconds: 10,
  policy: "memory",
  autoMerge: true,
  statements: ["limit rate 10/second"],
  comment: "a set",
};

const ELEMENTS = KEYS.map((key) => ({ key, ...IN_ELEMENTS }));
const DATA_ELEMENTS = ELEMENTS.map((element) => ({ ...element, value: KEY_TYPES.map((type) => VALUES[type]) }));
const VERDICT_ELEMENTS = Object.values(VERDICTS).map((value, i) => ({ key: [i], value, ...IN_ELEMENTS }));

const SET: Complete<SetDeclaration> = { ...PROPERTIES, name: "filled", dynamic: true, elements: [] };
const LISTED: SetDeclaration = { ...PROPERTIES, name: "listed", elements: ELEMENTS };

const MAP: Complete<MapDeclaration> = {
  ...PROPERTIES,
  name: "data",
  dynamic: true,
  data: KEY,
  elements: DATA_ELEMENTS,
};
const VERDICT_MAP: Complete<MapDeclaration> = {
  ...MAP,
  name: "verdicts",
  key: [{ type: "mark", sample: { kind: "meta", key: "mark" } }],
  data: "verdict",
  elements: VERDICT_ELEMENTS,
};

const ASKED_SETS: readonly Complete<AskedSet>[] = ["listed", { key: KEY_TYPES, elements: ELEMENTS }];
const ASKED_DATA: readonly Complete<AskedMap>[] = [
  "data",
  { key: KEY_TYPES, data: KEY_TYPES, elements: DATA_ELEMENTS },
];
const ASKED_VERDICTS: readonly Complete<AskedMap>[] = [
  "verdicts",
  { key: ["mark"], data: "verdict", elements: VERDICT_ELEMENTS },
];

// --- rules ----------------------------------------------------------------------------------------------------------

const EXPRESSIONS: Samples<Expression> = {
  ip: { kind: "ip", field: "saddr" },
  ip6: { kind: "ip6", field: "daddr" },
  transport: { kind: "transport", protocol: "tcp", field: "sport" },
  meta: { kind: "meta", key: "mark" },
  ct: { kind: "ct", key: "mark" },
  fib: { kind: "fib", of: "daddr", result: "type" },
  header: { kind: "header", field: "ip ttl" },
  numgen: { kind: "numgen", mode: "inc", modulus: 3, offset: 1 },
  bitwise: { kind: "bitwise", operand: { kind: "ip6", field: "saddr" }, mask: ipv6("ffff::"), xor: ipv6("::1") },
  shift: { kind: "shift", operand: { kind: "ct", key: "mark" }, by: -8 },
  combine: {
    kind: "combine",
    operator: "xor",
    left: { kind: "meta", key: "mark" },
    right: { kind: "ct", key: "mark" },
  },
  concat: ASKED,
  lookup: { kind: "lookup", key: ASKED, map: "data" },
  constant: { kind: "constant", type: "mark", value: 1 },
  opaque: { kind: "opaque", text: "rt classid" },
};

const PORTS = { from: 1024, to: 2048 } as const;

const TARGETS: Samples<NatTarget> = {
  literal: { kind: "literal", addresses: block("fd00::/64"), netmap: true, ports: PORTS, base: 8000 },
  map: { kind: "map", key: ASKED, map: "data", family: "ip6" },
};

const STEPS: Samples<Step> = {
  compare: { kind: "compare", left: EXPRESSIONS.ip, operator: "!=", right: VALUES.ipv4_addr, orAbsent: true },
  within: { kind: "within", left: EXPRESSIONS.ip6, negated: true, intervals: [block("fd00::/64")], orAbsent: true },
  "name-prefix": { kind: "name-prefix", left: { kind: "meta", key: "iifname" }, negated: true, prefix: "veth" },
  member: { kind: "member", key: ASKED, negated: true, set: "listed", orAbsent: true },
  chance: { kind: "chance", numerator: 2 ** 30 },
  opaque: { kind: "opaque", text: "meta cpu 1", negated: true, spelled: "! --cpu 1" },
  verdict: { kind: "verdict", verdict: VERDICTS.jump },
  vmap: { kind: "vmap", key: EXPRESSIONS.meta, map: "verdicts" },
  dnat: { kind: "dnat", to: TARGETS.literal, random: "random", persistent: true },
  snat: { kind: "snat", to: TARGETS.map, random: "fully-random", persistent: true, by: "a plugin" },
  masquerade: { kind: "masquerade", ports: PORTS, random: "random", persistent: true, by: "a plugin" },
  redirect: { kind: "redirect", ports: PORTS, random: "random", persistent: true },
  reject: { kind: "reject", with: "tcp-reset" },
  set: { kind: "set", field: { kind: "ct", key: "mark" }, value: EXPRESSIONS.constant },
  remember: { kind: "remember", operation: "update", set: "filled", key: ASKED, timeoutSeconds: 1.5 },
  counter: { kind: "counter" },
  "opaque-statement": {
    kind: "opaque-statement",
    text: "xt target",
    terminal: true,
    writes: [
      { kind: "meta", key: "mark" },
      { kind: "ct", key: "mark" },
    ],
  },
};

/** Each kind of step, and each alternative of their members. */
const ALL_STEPS: readonly Step[] = [
  ...Object.values(STEPS),
  ...Object.values(VERDICTS).map((verdict): Step => ({ kind: "verdict", verdict })),
  ...Object.values(TARGETS).map((to): Step => ({ ...STEPS.dnat, to })),
  ...ASKED_SETS.map((set): Step => ({ ...STEPS.member, set })),
  ...ASKED_VERDICTS.map((map): Step => ({ ...STEPS.vmap, map })),
  ...ASKED_DATA.map((map): Step => ({ ...STEPS.snat, to: { ...TARGETS.map, map } })),
  ...[
    ...Object.values(EXPRESSIONS),
    ...ASKED_DATA.map((map) => ({ ...EXPRESSIONS.lookup, map })),
    ...Object.entries(VALUES).map(([type, value]) => ({ ...EXPRESSIONS.constant, type: type as DataType, value })),
  ].flatMap((value): Step[] => [
    { ...STEPS.set, value },
    // What stands in other expressions is printed by another way.
    { ...STEPS.set, value: { ...EXPRESSIONS.shift, operand: value } },
    { ...STEPS["name-prefix"], left: value },
    { ...STEPS.remember, key: ASKED },
  ]),
];

const RULE: Complete<Rule> = { steps: [STEPS.counter], comment: "a rule", origin, whileReplacing: true };

const CHAINS: Samples<Chain> = {
  base: {
    kind: "base",
    name: "input",
    type: "filter",
    hook: "ingress",
    priority: -150,
    policy: "drop",
    origin,
    device: "eth0",
    registered: { file: "a.nft", at: 3 },
    comment: "a base chain",
    rules: [RULE],
  },
  regular: { kind: "regular", name: "last", anonymous: true, comment: "a chain", rules: [RULE] },
};

const TABLE: Complete<Table> = {
  family: "inet",
  name: "t",
  dormant: true,
  comment: "a table",
  sets: [SET],
  maps: [MAP, VERDICT_MAP],
  chains: Object.values(CHAINS),
  objects: [{ head: "counter hits", lines: ["packets 0 bytes 0"] }],
  retired: { sets: [SET], maps: [MAP, VERDICT_MAP], chains: ["old"] },
};

// --- routes ---------------------------------------------------------------------------------------------------------

const ENDPOINTS = ["10.0.0.1", "10.0.0.2"].map((text) => ({ address: ipv4(text) as Address, port: 80 }));
const ENDPOINTS6 = ["fd00::1", "::"].map((text) => ({ address: ipv6(text) as Address, port: 80 }));

const ROUTE_TARGETS: Samples<RouteTarget> = {
  endpoints: {
    kind: "endpoints",
    backend: "default/web:80",
    endpoints: ENDPOINTS,
    draining: ENDPOINTS6,
    sticky: "cookie",
    external: { host: "example.com", port: 443 },
  },
  status: { kind: "status", status: 503, reason: "no endpoints" },
};

const ROUTES: readonly Complete<HostRoutes>[] = Object.values(ROUTE_TARGETS).map((target) => ({
  host: "a.example.com",
  paths: [{ match: "exact", path: "/a", target, shadowed: [{ target, origin }], origin }],
  fallback: target,
  httpsRedirect: true,
  fallbackOrigin: origin,
}));

const FILTERS: Samples<RouteFilter> = {
  "request-headers": {
    kind: "request-headers",
    set: [{ name: "a", value: "1" }],
    add: [{ name: "b", value: "2" }],
    remove: ["c"],
  },
  "response-headers": { kind: "response-headers", set: [], add: [{ name: "b", value: "2" }], remove: ["c"] },
  rewrite: { kind: "rewrite", host: "b.example.com", path: { part: "prefix", path: "/b" } },
};
const ALL_FILTERS = Object.values(FILTERS);

const REQUEST_TARGETS: Samples<RequestTarget> = {
  ...ROUTE_TARGETS,
  status: { kind: "status", status: 500, reason: "no such Service" },
  shares: {
    kind: "shares",
    shares: Object.values(ROUTE_TARGETS).map((target) => ({ weight: 2, target, filters: ALL_FILTERS })),
  },
  redirect: {
    kind: "redirect",
    scheme: "https",
    host: "b.example.com",
    port: 8443,
    path: { part: "all", path: "/b" },
    status: 308,
  },
};

const TLS: Complete<TlsTable> = {
  certificates: [
    { name: "default/a", names: ["*.example.com"], notBefore: 1_700_000_000_001, notAfter: 1_800_000_000_000, origin },
  ],
  hosts: [{ host: "*.example.com", labels: "any", certificate: "default/a", reason: "it has ended", origin }],
  fallback: "default/a",
};

const LISTENER: Complete<ListeningPort> = {
  port: 443,
  protocol: "https",
  hosts: [
    {
      host: "*.example.com",
      paths: Object.values(REQUEST_TARGETS).map(
        (target): Complete<RequestRule> => ({
          match: "prefix",
          path: "/a",
          conditions: {
            method: "GET",
            headers: [{ name: "h", value: "1" }],
            parameters: [{ name: "p", value: "2" }],
          },
          target,
          filters: ALL_FILTERS,
          shadowed: [{ target, origin }],
          origin,
        }),
      ),
      origin,
    },
  ],
  tls: TLS,
};

const COMPLETE: Complete<Program> = {
  ruleset: { tables: [TABLE], retired: [{ family: "ip6", name: "old" }] },
  routes: ROUTES,
  tls: TLS,
  listeners: [LISTENER],
};

/** The samples, and what they leave out because it cannot stand beside them: elements of sets that no rule fills, one rule for each
 *  step, in a chain that no hook leads to. */
export const COMPLETE_PROGRAM: Program = {
  ...COMPLETE,
  ruleset: {
    ...COMPLETE.ruleset,
    tables: [
      {
        ...TABLE,
        sets: [...TABLE.sets, LISTED],
        chains: [
          ...TABLE.chains,
          { kind: "regular", name: "steps", rules: ALL_STEPS.map((step) => ({ steps: [step] })) },
        ],
      },
    ],
  },
};
