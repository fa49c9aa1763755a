/** Texts that were damaged are read to the end: what is wrong is told, and nothing throws or takes long. */
import { EmbeddedActionsParser } from "chevrotain";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { printTable } from "../../compiler/formats/nft/print.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { mustCompile, printIptables, printNft } from "../support/compile.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { EVERYTHING, runs } from "../support/runs.ts";
import { readFolder } from "../support/shared.ts";

/** One damage to a text. Places are fractions of its length. */
type Damage =
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "insert"; readonly at: number; readonly text: string }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "end"; readonly at: number }
  | { readonly kind: "swap"; readonly at: number; readonly other: number };

const place = fc.double({ min: 0, max: 1, noNaN: true });
const length = fc.nat(60);

/** Words that mean something, in the wrong places, and anything else. */
const insertion = fc.oneof(
  fc.constantFrom(
    "{",
    "}",
    '"',
    "'",
    "\\",
    "\n",
    "\r\n",
    ";",
    ",",
    "!",
    "-m ",
    "-j ",
    "--dport ",
    "*filter\n",
    "COMMIT\n",
    ":x - [0:0]\n",
    "[",
    "]",
    "@",
    "$x",
    "#",
    ".",
    "map",
    "vmap {",
    "jump {",
    "elements = {",
    "1-",
    "/33",
    "::",
    "0x",
    "\u0000",
    "é",
    "table ip t {\n",
    "define a = ",
    "ct state ",
    "meta ",
  ),
  fc.string({ maxLength: 12 }),
);

const damages: fc.Arbitrary<readonly Damage[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("cut" as const), at: place, length }),
    fc.record({ kind: fc.constant("insert" as const), at: place, text: insertion }),
    fc.record({ kind: fc.constant("repeat" as const), at: place, length }),
    fc.record({ kind: fc.constant("end" as const), at: place }),
    fc.record({ kind: fc.constant("swap" as const), at: place, other: place }),
  ),
  { minLength: 1, maxLength: 5 },
);

function applyDamage(text: string, damage: Damage): string {
  const at = Math.floor(damage.at * text.length);
  switch (damage.kind) {
    case "cut":
      return text.slice(0, at) + text.slice(at + damage.length);
    case "insert":
      return text.slice(0, at) + damage.text + text.slice(at);
    case "repeat":
      return text.slice(0, at + damage.length) + text.slice(at);
    case "end":
      return text.slice(0, at);
    case "swap": {
      const lines = text.split("\n");
      const [i, j] = [damage.at, damage.other].map((share) =>
        Math.min(Math.floor(share * lines.length), lines.length - 1),
      ) as [number, number];
      [lines[i], lines[j]] = [lines[j] ?? "", lines[i] ?? ""];
      return lines.join("\n");
    }
    default:
      return damage satisfies never;
  }
}

/** A cluster with Services of several kinds. */
const PROGRAM: Program = mustCompile({
  mode: "iptables",
  proxy: {
    nodeName: "n",
    nodeIP: "192.168.0.2",
    nodeIPs: ["192.168.0.2"],
    detectLocalMode: "ClusterCIDR",
    clusterCIDR: ["10.180.0.0/16"],
    serviceCIDRs: ["172.30.0.0/16"],
    nodePortAddresses: "default",
    localhostNodePorts: true,
    masqueradeAll: false,
    zone: "z",
  },
  objects: [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "a" },
      spec: {
        type: "LoadBalancer",
        clusterIP: "172.30.0.41",
        sessionAffinity: "ClientIP",
        loadBalancerSourceRanges: ["203.0.113.0/24"],
        ports: [{ port: 80, nodePort: 30080 }],
      },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.10" }] } },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "a", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.180.0.1"] }, { addresses: ["10.180.0.2"] }],
      ports: [{ name: "", port: 8080 }],
    },
  ],
}).program;

const HAND_WRITTEN = `define web = { 80, 443 }
table inet filter {
	counter c { packets 0 bytes 0 }
	set s { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 1-9 comment "x" } }
	chain input {
		type filter hook input priority filter - 5; policy drop;
		ct state vmap { established : accept, invalid : drop }
		iifname { "eth*", lo } tcp dport $web limit rate 5/second burst 9 packets log prefix "a" accept
		ip saddr . tcp dport @s meta mark set meta mark & 0xff | 0x100
		tcp flags & (fin | syn) == syn jump { ip6 saddr fd00::/8 reject with icmpv6 no-route; drop }
		meta l4proto tcp dnat ip to 10.0.0.1:80
		icmp type { echo-request, 3 } counter name "c"
	}
}
`;

const SAVE = `# Generated by iptables-save v1.8.9
*filter
:INPUT DROP [1:2]
:web - [0:0]
[3:4] -A INPUT -s 10.0.0.0/8 ! -d 1.2.3.4/32 -i eth+ -p tcp -m tcp --dport 22:23 --tcp-flags SYN,ACK SYN -m comment --comment "a \\"b\\"" -j web
-A INPUT -p udp -m multiport ! --dports 53,100:200 -m conntrack --ctstate NEW,RELATED -j LOG --log-prefix "x "
-A web -m set ! --match-set a src,dst -m recent --update --seconds 60 --hitcount 4 --name b -g web2
:web2 - [0:0]
-A web2 -m mark --mark 0x1/0x2 -j MARK --set-xmark 0x4000/0x4000
COMMIT
`;

const own = { nft: [printNft(PROGRAM), HAND_WRITTEN], iptables: [printIptables(PROGRAM, "ip"), SAVE] };
/** Those of others stand beside the project; the quick set needs nothing but the project. */
const foreign = {
  nft: EVERYTHING ? readFolder("corpus/nft", ".nft").map(({ text }) => text) : [],
  iptables: EVERYTHING ? readFolder("corpus/iptables", ".rules").map(({ text }) => text.slice(0, 20_000)) : [],
};

/** How many tokens parsers look at while `work` runs. */
function tokensSeen(work: () => void): number {
  const prototype = EmbeddedActionsParser.prototype as unknown as { LA: (ahead: number) => unknown };
  const look = prototype.LA;
  let seen = 0;
  prototype.LA = function (ahead) {
    seen++;
    return look.call(this, ahead);
  };
  try {
    work();
  } finally {
    prototype.LA = look;
  }
  return seen;
}

describe.each([
  [
    "nft",
    [...own.nft, ...foreign.nft],
    (text: string) => readNftText(text),
    ({ ruleset }: Program) => ruleset.tables.map((table) => printTable(table)).join(""),
  ],
  [
    "iptables",
    [...own.iptables, ...foreign.iptables],
    (text: string) => readIptablesText(text),
    ({ ruleset }: Program) => printSave(ruleset, "ip").text,
  ],
] as const)("%s", (_, texts, read, print) => {
  test("is read, and printed, however it is damaged", () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), damages, (text, list) => {
        const damaged = list.reduce(applyDamage, text);
        const { program, findings } = read(damaged);
        print(program);
        // Each finding has a place in the text.
        for (const finding of findings) expect(finding).toMatch(/^[1-9]\d*:[1-9]\d* (error|warning|note) [a-z-]+ \S/);
      }),
      { numRuns: runs(400) },
    );
  });

  test("is read with work in proportion to its length when a line is very long", () => {
    const line = (word: string, count: number): string =>
      `table ip t {\nchain c {\n${word.repeat(count)}\n}\n}\n*filter\n-A INPUT ${word.repeat(count)}\nCOMMIT\n`;
    for (const word of ["-m tcp ", "! ", "{ ", "( ", "1.2.3.4, ", '"', "a . "]) {
      const [some, many] = [2_000, 20_000].map((count) => tokensSeen(() => read(line(word, count))));
      expect([word, some, (many ?? 0) <= 11 * (some ?? 0) + 50]).toEqual([word, some, true]);
    }
  });
});
