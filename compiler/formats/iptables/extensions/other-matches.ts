/** Matches that come with iptables and that kpc does not understand: what is known of them all the same. */
import { equal, IIFNAME, L4PROTO, within } from "../../../ir/build.ts";
import { ADDRESS_TYPE } from "../../../ir/constants.ts";
import type { Match } from "../../../ir/types.ts";
import { COMING, LEAVING } from "../hook-rules.ts";
import { bits, only, upTo } from "../option-rules.ts";
import { changeWords, inOrder } from "./listed.ts";
import { listedTime } from "./listed-time.ts";
import type { MatchRow } from "./row.ts";
import { printHex, testValue } from "./values.ts";

const BY_AN_INTERFACE = testValue(IIFNAME, "", true);

/** Of sockets; of ICMP those of the packet that an error is about. */
const SOCKET_PROTOCOLS: Match = within(
  L4PROTO,
  [1, 6, 17, 58].map((protocol) => ({ from: protocol, to: protocol })),
);

const OF_IPV6: MatchRow = { family: "ip6" };

export const OTHER_MATCHES: Readonly<Record<string, MatchRow>> = {
  ah: { protocol: { number: 51 }, asks: { numbers: { "--ahspi": bits(32, ":") } } },
  bpf: {},
  // Of the rule, not of packets.
  comment: { options: { "--comment": 1 } },
  cgroup: {
    placement: { hooks: ["INPUT", "OUTPUT", "POSTROUTING"] },
    // Also a negated one needs a socket (cgroup_mt_v2), which packets that are forwarded have not got.
    certain: {
      either: [
        [equal(IIFNAME, "")],
        [BY_AN_INTERFACE, testValue({ kind: "fib", of: "daddr", result: "type" }, ADDRESS_TYPE.unicast, true)],
      ],
    },
  },
  cpu: { asks: { ...only("--cpu"), numbers: { "--cpu": bits(32) } } },
  dccp: { protocol: { number: 33 }, asks: { numbers: { "--dccp-option": upTo(255, 1) } } },
  devgroup: {
    placement: {
      options: [
        { option: /^--src-group(?: |$)/, not: LEAVING },
        { option: /^--dst-group(?: |$)/, not: COMING },
      ],
    },
  },
  dst: OF_IPV6,
  ecn: {},
  esp: { protocol: { number: 50 }, asks: { numbers: { "--espspi": bits(32, ":") } } },
  eui64: OF_IPV6,
  frag: OF_IPV6,
  geoip: {},
  hbh: OF_IPV6,
  ipcomp: { protocol: { number: 108 } },
  ipv6header: OF_IPV6,
  ipvs: {},
  mh: { family: "ip6", protocol: { number: 135 } },
  ndpi: {},
  nfacct: {
    asks: only("--nfacct-name"),
    // It only counts, unless somebody gave its object a quota, which no rule tells (nfnl_acct_match_mt).
    meaning: ([option]) =>
      option === undefined ? undefined : `the nfacct object ${option.values[0]} has no quota left`,
  },
  osf: {},
  physdev: {
    placement: { options: [{ option: /^--physdev-(?:out|is-out)(?: |$)/, not: ["OUTPUT"] }] },
    // The node's own packets have come by no port of a bridge (physdev_mt).
    certain: { needs: BY_AN_INTERFACE },
  },
  policy: {
    placement: {
      options: [
        { option: /^--dir in$/, not: LEAVING },
        { option: /^--dir out$/, not: COMING },
      ],
    },
  },
  quota: { asks: { ...only("--quota"), numbers: { "--quota": bits(64) } } },
  rateest: {},
  realm: {
    family: "ip",
    asks: only("--realm"),
    placement: { hooks: ["INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] },
  },
  rpfilter: {
    placement: { tables: ["raw", "mangle"], hooks: ["PREROUTING"] },
    // What comes by loopback passes the test (rpfilter_is_loopback).
    certain: { needs: testValue(IIFNAME, "lo", true), failsWithout: (spelled) => / --invert( |$)/.test(spelled) },
  },
  rt: OF_IPV6,
  socket: { placement: { hooks: ["PREROUTING", "INPUT"] }, certain: { needs: SOCKET_PROTOCOLS } },
  srh: OF_IPV6,
  string: {
    asks: { oneOf: [["--string", "--hex-string"]], required: ["--algo"] },
    listed: (options) => inOrder(options, ["--string", "--hex-string", "--algo", "--from", "--to"], "first"),
  },
  tcpmss: { asks: { ...only("--mss"), numbers: { "--mss": bits(16, ":") } } },
  time: { listed: listedTime },
  tos: { asks: only("--tos") },
  u32: {
    asks: only("--u32"),
    listed: (options) =>
      options.map((option) =>
        changeWords(option, (text) => text.replace(/\b(0x[0-9a-f]+|[0-9]+)\b/gi, (number) => printHex(Number(number)))),
      ),
  },
  udplite: { protocol: { number: 136 } },
  unclean: {},
};
