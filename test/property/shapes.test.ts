/** Lines and elements that are read with the help of their shape are what the grammar alone makes of them: programs, places and
 *  reports. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { iptablesReadings, nftReadings, randomListing, varied } from "../support/both-readings.ts";
import { runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

const CASES = new URL("../golden/cases/", import.meta.url).pathname;

/** What kpc prints, and is golden. */
function textsEndingIn(ending: string): string[] {
  return readdirSync(CASES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => readFileSync(`${CASES}${name}`, "utf8"))
    .filter(({ length }) => length < 20_000);
}

/** As others print it: kube-proxy, and hosts with rules of their own. */
const OTHERS = `*filter
:INPUT ACCEPT [0:0]
:KUBE-FW - [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -d 192.0.2.1/32 -p udp -m multiport --dports 53,123 -m comment --comment "a \\"b\\" -s 1.2.3.4" -j KUBE-FW
-A INPUT -s 10.0.0.1,10.0.0.2 -i eth0 -m comment --comment plain -g KUBE-FIREWALL
-A KUBE-FW ! -s 172.16.0.0/12 -m conntrack --ctstate RELATED,ESTABLISHED --ctorigdst 10.0.0.1 --ctorigdstport 80 -j RETURN
-A KUBE-FW -m set --match-set blocked src -s 10.1.2.3/32 -j DROP
-A KUBE-FIREWALL -m iprange --src-range 10.0.0.1-10.0.0.9 -d 10.0.0.0/255.255.255.0 -j LOG --log-prefix "x -s 10.0.0.1 "
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SEP-A - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-A
-A KUBE-SVC-A ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SVC-A -m comment --comment "default/kubernetes:https -> 10.0.0.5:6443" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A
-A KUBE-SVC-A -m recent --name KUBE-SEP-A --rcheck --seconds 10800 --reap --rsource -j KUBE-SEP-A
-A KUBE-SEP-A -s 10.0.0.5/32 -m recent --name KUBE-SEP-A --set --rsource -p tcp -m tcp -j DNAT --to-destination 10.0.0.5:6443
-A POSTROUTING -s 10.244.0.0/16 ! -o cni0 -j SNAT --to-source 192.0.2.7-192.0.2.9:1024-65535 --random
-A POSTROUTING -s 10.244.0.0/16 -d 10.0.0.9/32 -j SNAT --to-source 192.0.2.7
COMMIT
`;

const OTHERS_6 = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SEP-A - [0:0]
-A PREROUTING -d fd00:96::1/128 -p tcp -m tcp --dport 443 -j KUBE-SEP-A
-A PREROUTING -s fd00:244::/64 ! -d ::1/128 -j KUBE-SEP-A
-A KUBE-SEP-A ! -s fd00::5/128 -p tcp -m tcp -j DNAT --to-destination [fd00::5]:6443
-A KUBE-SEP-A -p tcp -j DNAT --to-destination fd00::6
COMMIT
`;

/** Lines of one shape behind `-A`, of which the last ones have something about them that others do not. */
function linesBefore(last: readonly string[], line: (i: number) => string, count = 6): string {
  return [...Array.from({ length: count }, (_, i) => line(i)), ...last].map((each) => `-A ${each}\n`).join("");
}

const FILTER = "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n";
const NAT = "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n";

/** What would be read wrongly if a shape were taken for more than it is. */
const TRAPS: readonly (readonly [what: string, text: string])[] = [
  [
    "a chain's name that is no word",
    FILTER +
      linesBefore(['A" -s 10.0.0.8/32 -j DROP', 'A" -s 10.0.0.9/32 -j DROP'], (i) => `A -s 10.0.0.${i}/32 -j DROP`),
  ],
  [
    "a chain that is named as a target",
    `${FILTER}:LOG - [0:0]\n${linesBefore(["A -s 10.0.0.9/32 -j LOG"], (i) => `A -s 10.0.0.${i}/32 -j B`)}`,
  ],
  [
    "a chain that is not there",
    FILTER + linesBefore(["A -s 10.0.0.9/32 -j C", "C -s 10.0.0.9/32 -j B"], (i) => `A -s 10.0.0.${i}/32 -j B`),
  ],
  [
    "a chain that is deleted, and made again",
    FILTER +
      linesBefore(["A -s 10.0.0.9/32 -j B"], (i) => `A -s 10.0.0.${i}/32 -j B`) +
      "-F A\n-X A\n-N A\n" +
      linesBefore([], (i) => `A -s 10.0.1.${i}/32 -j B`),
  ],
  [
    "another table",
    ["raw", "filter", "nat"]
      .map(
        (table) =>
          `*${table}\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n${linesBefore([], (i) => `A -s 10.0.0.${i}/32 -m conntrack ! --ctstate DNAT -j RETURN`)}COMMIT\n`,
      )
      .join(""),
  ],
  [
    "a chain that other hooks lead to",
    `${NAT}-A PREROUTING -j A\n-A POSTROUTING -j B\n${linesBefore(["B -s 10.0.0.8/32 -j DNAT --to-destination 10.0.0.1:80", "B -s 10.0.0.9/32 -j DNAT --to-destination 10.0.0.1:80"], (i) => `A -s 10.0.0.${i}/32 -j DNAT --to-destination 10.0.0.1:80`)}`,
  ],
  [
    "a built-in chain",
    FILTER +
      linesBefore(
        ["OUTPUT -i eth0 -s 10.0.0.9/32 -j B", "INPUT -i eth0 -s 10.0.0.9/32 -j B"],
        (i) => `A -i eth0 -s 10.0.0.${i}/32 -j B`,
      ),
  ],
  [
    "a list that is not affinity alone",
    NAT +
      linesBefore(
        ["A -m recent --name x --rcheck --hitcount 3 -j B"],
        (i) => `A -m recent --name ${["x", "y", "l1", "l2", "l3", "l4"][i]} --rcheck --seconds 10 --rsource -j B`,
      ) +
      linesBefore(
        [
          "A -m recent --name y --rcheck --seconds 11 --rsource -g B",
          "A -m recent --name DEFAULT --set",
          "A -m recent --set",
        ],
        (i) => `A -m recent --name l${i} --set --rsource -s 10.0.0.${i}/32 -m recent --name x --set -j B`,
      ) +
      linesBefore([], (i) => `A -m recent --name l${i} --update --seconds 10 ! --rcheck -j B`) +
      linesBefore([], (i) => `B -m recent --name m${i} --update --seconds 10 -j A`),
  ],
  [
    "other lengths of prefixes",
    FILTER +
      linesBefore(
        [32, 31, 1, 0, 33, "255.255.0.0"].map((length) => `A -s 10.1.2.3/${length} -j B`),
        (i) => `A -s 10.${i}.0.0/${16 + i} -j B`,
      ),
  ],
  [
    "an option that names a table",
    FILTER +
      linesBefore(["A -s 10.0.0.9/32 -t nat -j B", "A -t nat -s 10.0.0.9/32 -j B"], (i) => `A -s 10.0.0.${i}/32 -j B`),
  ],
  [
    "a comment with a quotation mark",
    FILTER +
      linesBefore(
        [
          'A -m comment --comment "a \\" -s 1.2.3.4" -j B',
          'A -m comment --comment "=a" -j B',
          "A -m comment --comment -j -j B",
        ],
        (i) => `A -m comment --comment "a ${i}" -j B`,
      ),
  ],
];

describe("lines of one shape", () => {
  it.each(TRAPS)("are what the grammar makes of them: %s", (_, text) => {
    const { shapes, grammar } = iptablesReadings(`${text}COMMIT\n`);
    expect(shapes).toBe(grammar);
  });

  const texts = [OTHERS, OTHERS, OTHERS_6, ...textsEndingIn(".rules.v4"), ...textsEndingIn(".rules.v6")];

  it("are what the grammar makes of them", () => {
    for (const text of texts) {
      const { shapes, grammar } = iptablesReadings(text);
      expect(shapes).toBe(grammar);
    }
  });

  it("are so too with other words, and damaged", () => {
    for (let seed = 1; seed <= runs(1600); seed++) {
      const pick = numbersFrom(seed);
      const text = varied(texts[pick(texts.length)] as string, pick, [8, 50, 1000][pick(3)]);
      const { shapes, grammar } = iptablesReadings(text);
      if (shapes !== grammar) expect(shapes, `seed ${seed}\n${text}`).toBe(grammar);
    }
  });
});

describe("long lists of elements", () => {
  it("are what the grammar makes of them", () => {
    for (let seed = 1; seed <= runs(2400); seed++) {
      const text = randomListing(numbersFrom(seed));
      const { shapes, grammar } = nftReadings(text);
      if (shapes !== grammar) expect(shapes, `seed ${seed}\n${text}`).toBe(grammar);
    }
  });

  it("are so in what kpc prints, also with other words, and damaged", () => {
    const texts = textsEndingIn(".nft");
    for (const text of texts) {
      const { shapes, grammar } = nftReadings(text);
      expect(shapes).toBe(grammar);
    }
    for (let seed = 1; seed <= runs(400); seed++) {
      const pick = numbersFrom(seed);
      const text = varied(texts[pick(texts.length)] as string, pick, [8, 50, 1000][pick(3)]);
      const { shapes, grammar } = nftReadings(text);
      if (shapes !== grammar) expect(shapes, `seed ${seed}\n${text}`).toBe(grammar);
    }
  });
});
