/** Random hosts with routes, and the kernel's own answer to where packets go. */

import { required } from "../../compiler/invariant.ts";
import { type Family, parseAddress, printAddress } from "../../compiler/net/address.ts";
import { maskAddress, printPrefix } from "../../compiler/net/prefix.ts";
import type { RoutingDecision } from "../../compiler/network/route.ts";
import type { RouteKey } from "../../compiler/network/route-lookup.ts";
import type { InterfaceSysctls, RoutingTables } from "../../compiler/network/types.ts";
import { readHost } from "./host-files.ts";
import { inNamespace } from "./kernel.ts";
import { numbersFrom } from "./slots.ts";

const INTERFACES = ["eth0", "eth1", "cni0"] as const;

/** What differs between the families: subnets, prefix lengths, addresses of special kinds. */
const WORDS = {
  IPv4: {
    subnets: ["10.0.0.", "10.0.1.", "192.168.0.", "172.16.5."],
    subnet: "0/24",
    own: [24, 24, 16, 30, 32],
    lengths: [8, 16, 24, 30, 32],
    zero: "0",
    special: ["127.0.0.1", "0.0.0.5", "8.8.8.8", "127.3.3.3", "10.0.0.255", "192.168.0.255"],
    ip: "ip -4",
  },
  IPv6: {
    subnets: ["2001:db8:0:1::", "2001:db8:0:2::", "fd00:1::", "2001:db8:f::"],
    subnet: "/64",
    own: [64, 64, 48, 126, 128],
    lengths: [32, 48, 64, 126, 128],
    zero: "",
    special: ["2606::1", "2001:db8:0:1::", "fd00:1::", "2001:db8:0:3::1"],
    ip: "ip -6",
  },
} as const;

/** A host as commands that make it, and questions to it. */
export interface RoutingQuestion {
  readonly to: string;
  readonly from: string | undefined;
  readonly inInterface: string | undefined;
  readonly mark: number;
}

interface RandomHost {
  readonly commands: readonly string[];
  readonly sysctls: ReadonlyMap<string, InterfaceSysctls>;
  readonly questions: readonly RoutingQuestion[];
}

export function randomHost(family: Family, seed: number, questions: number): RandomHost {
  const below = numbersFrom(seed);
  const pick = <T>(values: readonly T[]): T => required(values[below(values.length)], "there is one");
  const words = WORDS[family];
  const { ip } = words;
  const own: string[] = [];
  const commands: string[] = [];
  for (const name of INTERFACES)
    for (let i = below(4); i > 0; i--) {
      const address = `${pick(words.subnets)}${1 + below(6)}`;
      own.push(address);
      const scope = family === "IPv4" && below(8) === 0 ? "scope link " : "";
      commands.push(
        `${ip} addr add ${address}/${pick(words.own)} ${scope}dev ${name}${family === "IPv6" ? " nodad" : ""}`,
      );
    }
  const block = (): string => {
    if (below(6) === 0) return "default";
    const address = required(
      parseAddress(`${pick(words.subnets)}${pick([words.zero, words.zero, 4, 8])}`),
      "an address",
    );
    const length = pick(words.lengths);
    return printPrefix({ address: maskAddress(address, length), length });
  };
  const route = (): string => {
    const table = below(3) === 0 ? ` table ${100 + below(2)}` : "";
    const metric = below(2) === 0 ? "" : ` metric ${below(3)}`;
    const source = below(5) === 0 && own.length > 0 ? ` src ${pick(own)}` : "";
    const kind = below(12);
    if (kind < 3) return `${pick(["blackhole", "unreachable", "prohibit", "throw"])} ${block()}${table}${metric}`;
    if (kind < 6) return `${block()} dev ${pick(INTERFACES)}${table}${metric}${source}`;
    if (kind < 7) return `local ${block()} dev lo${table}${metric}`;
    const gateway = `${pick(words.subnets)}${1 + below(6)}`;
    return `${block()} via ${gateway} dev ${pick(INTERFACES)}${below(2) === 0 ? "" : " onlink"}${table}${metric}${source}`;
  };
  for (let i = below(10); i > 0; i--) commands.push(`${ip} route add ${route()}`);
  for (let i = below(4); i > 0; i--) {
    const matches = [
      below(2) === 0 ? "" : `from ${pick(words.subnets)}${words.subnet}`,
      below(3) === 0 ? `to ${pick(words.subnets)}${words.subnet}` : "",
      below(3) === 0 ? `fwmark ${below(3)}/${pick(["0x3", "0xff"])}` : "",
      below(4) === 0 ? `iif ${pick([...INTERFACES, "lo"])}` : "",
    ].filter((each) => each !== "");
    const action = below(5) === 0 ? pick(["blackhole", "prohibit", "unreachable"]) : `lookup ${100 + below(2)}`;
    const negation = below(8) === 0 ? "not " : "";
    const suppress = action.startsWith("lookup") && below(4) === 0 ? ` suppress_prefixlength ${pick([0, 16, 24])}` : "";
    commands.push(
      `${ip} rule add ${negation}${matches.join(" ") || "from all"} ${action}${suppress} priority ${1000 + below(500)}`,
    );
  }
  // Without a carrier routes still count; those of an interface that is down are gone.
  if (below(4) === 0) commands.push(`ip link set p${pick(INTERFACES)} down`);
  if (below(6) === 0) commands.push(`ip link set ${pick(INTERFACES)} down`);
  const sysctls = new Map<string, InterfaceSysctls>();
  for (const name of [...INTERFACES, "lo"])
    sysctls.set(name, {
      forwarding: below(6) > 0,
      reversePathFilter: name === "lo" ? 0 : pick([0, 0, 1, 2] as const),
      acceptLocal: below(4) === 0,
      routeLocalnet: below(4) === 0,
      sendRedirects: below(2) === 0,
    });
  const address = (): string => {
    if (below(10) === 0) return pick(words.special);
    return below(3) > 0 && below(2) === 0 && own.length > 0 ? pick(own) : `${pick(words.subnets)}${1 + below(11)}`;
  };
  return {
    commands,
    sysctls,
    questions: Array.from({ length: questions }, (): RoutingQuestion => {
      const isOwn = below(2) === 0;
      return {
        to: address(),
        from: isOwn && below(2) === 0 ? undefined : address(),
        inInterface: isOwn ? undefined : pick(INTERFACES),
        mark: below(3) > 0 ? 0 : below(5),
      };
    }),
  };
}

const SYSCTLS = {
  forwarding: "forwarding",
  reversePathFilter: "rp_filter",
  acceptLocal: "accept_local",
  routeLocalnet: "route_localnet",
  sendRedirects: "send_redirects",
} as const;

/** The host as kpc reads it from the kernel, and the kernel's answers, each as one line (see `answerText`). */
export async function askKernel(
  family: Family,
  { commands, sysctls, questions }: RandomHost,
): Promise<{ readonly host: RoutingTables; readonly answers: readonly string[] }> {
  const { ip } = WORDS[family];
  const settings = [...sysctls].flatMap(([name, values]) =>
    Object.entries(SYSCTLS).map(
      ([key, file]) => `echo ${Number(values[key as keyof typeof SYSCTLS])} > /proc/sys/net/ipv4/conf/${name}/${file}`,
    ),
  );
  const lines = questions.map(({ to, from, inInterface, mark }) =>
    ["route get", to, from && `from ${from}`, inInterface && `iif ${inInterface}`, `mark ${mark}`]
      .filter(Boolean)
      .join(" "),
  );
  const script = `
exec 2>/dev/null
for k in rp_filter accept_local route_localnet send_redirects; do echo 0 > /proc/sys/net/ipv4/conf/all/$k; done
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link set lo up
for n in ${INTERFACES.join(" ")}; do ip link add $n type veth peer name p$n; ip link set p$n up; ip link set $n up; done
# Addresses get their routes when the link has come up.
i=0; until [ "$(ip -o link show | grep -c 'state UP')" -eq ${2 * INTERFACES.length} ] || [ $i -eq 200 ]; do i=$((i+1)); sleep 0.01; done
${settings.join("\n")}
${commands.join("\n")}
# Linux adds the route of an IPv6 address in a work queue.
i=0; until [ "$(ip -6 route show table local type local | wc -l)" -ge "$(ip -6 -o addr | wc -l)" ] || [ $i -eq 30 ]; do i=$((i+1)); sleep 0.01; done
echo @@; ip -j -d addr; echo @@; ip -j route show table all; echo @@; ip -j rule; echo @@; ip -6 -j rule; echo @@
grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf/all; echo @@
e=$(mktemp); ${ip} -j -force -batch - 2>$e <<'END'
${lines.join("\n")}
END
echo; echo @@; cat $e; rm $e`;
  const { output } = await inNamespace(script);
  const [, ...files] = output.split("@@\n");
  const [found = "", failed = ""] = files.splice(-2);
  const host = readHost(files).routing[family];
  const errors = new Map(
    [...failed.matchAll(/answers: (.*)\nCommand failed -:(\d+)/g)].map(([, text, line]) => [Number(line), text]),
  );
  const successes = found.split("\n").filter((line) => line.startsWith("["));
  let next = 0;
  const answers = questions.map((question, i) => {
    const error = errors.get(i + 1);
    if (error !== undefined) return error;
    const [route] = JSON.parse(required(successes[next++], "each question has an answer"));
    const source = question.from === undefined && question.inInterface === undefined ? ` src ${route.prefsrc}` : "";
    return `${route.type ?? "unicast"} ${route.dev}${route.gateway === undefined ? "" : ` via ${route.gateway}`}${source}`;
  });
  return { host, answers };
}

export function keyOf({ to, from, inInterface, mark }: RoutingQuestion): RouteKey {
  const address = (text: string) => required(parseAddress(text), `${text} is an address`);
  return { destination: address(to), source: from === undefined ? undefined : address(from), inInterface, mark };
}

/** What `ip route get` prints for a decision: the route, or the error of the system call. */
export function answerText(decision: RoutingDecision, { from, inInterface }: RoutingQuestion): string {
  switch (decision.kind) {
    case "local":
    case "broadcast":
    case "forward": {
      const [hop] = decision.hops;
      const isToLoopback = decision.kind === "local" || (decision.kind === "broadcast" && inInterface !== undefined);
      const name = isToLoopback ? "lo" : hop?.interface;
      const via = decision.kind === "forward" && hop?.gateway !== undefined ? ` via ${printAddress(hop.gateway)}` : "";
      const isAsked = from === undefined && inInterface === undefined;
      const source = isAsked ? ` src ${decision.source === undefined ? undefined : printAddress(decision.source)}` : "";
      return `${decision.kind === "forward" ? "unicast" : decision.route.kind} ${name}${via}${source}`;
    }
    case "unreachable":
      return "priority" in decision.by ? "Network is unreachable" : "No route to host";
    case "prohibit":
      return "Permission denied";
    case "not-forwarding":
      return "No route to host";
    case "no-route":
    case "not-own-source":
      return "Network is unreachable";
    default:
      return "Invalid argument";
  }
}
