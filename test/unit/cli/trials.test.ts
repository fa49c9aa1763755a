/** Inputs of outsiders that kpc once answered wrongly, each with the right answer. */
import { describe, expect, test } from "vitest";
import { kpc } from "../../support/cli.ts";

interface Trial {
  readonly folder: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly says: readonly RegExp[];
  readonly saysNot?: readonly RegExp[];
}

const NODE = ["--node-ip", "192.0.2.11"];
const CLUSTER = [...NODE, "--cluster-cidr", "10.244.0.0/16"];
const TO_SERVICE = "tcp 10.244.1.9:4000 > 10.96.1.2:80 iif cni0";
const ASSUMPTION = /assuming/;

const TRIALS: readonly Trial[] = [
  {
    folder: "01-connmark-masks",
    args: ["trace", "tcp 192.0.2.7:4000 > 203.0.113.9:443 iif eni7", "--rules", "host.v4"],
    code: 0,
    says: [/=> passes/],
    saysNot: [ASSUMPTION, /dropped/],
  },
  {
    folder: "01-connmark-masks",
    args: ["trace", "tcp 192.0.2.7:4000 > 203.0.113.9:443 iif eth0", "--rules", "set-then-restore.v4", ...NODE],
    code: 1,
    says: [/=> dropped/],
    saysNot: [ASSUMPTION],
  },
  {
    folder: "02-nft-listing-of-iptables-tables",
    args: ["verify", "svc.yaml", "--against", "host.v4", ...CLUSTER],
    code: 0,
    says: [/=> equal/],
  },
  {
    folder: "02-nft-listing-of-iptables-tables",
    args: ["verify", "svc.yaml", "--against", "host.nft", ...CLUSTER],
    code: 1,
    says: [/=> no difference found/, /use iptables-save/],
    saysNot: [/=> (equal|different)/],
  },
  {
    folder: "03-ipvs-host",
    args: ["verify", "svc.yaml", "--against", "host.v4", ...CLUSTER],
    code: 2,
    says: [/ipvs mode/],
    saysNot: [/=>/],
  },
  {
    folder: "03-ipvs-host",
    args: ["trace", TO_SERVICE, "--rules", "host.v4", ...NODE],
    code: 0,
    says: [/note: .*ipvs mode/, /assuming: .*IPVS has no virtual server/],
  },
  {
    folder: "04-slice-port-without-name",
    args: ["trace", "tcp 10.244.0.5:4000 > 10.96.0.30:5432 iif eth0", "slice.yaml"],
    code: 0,
    says: [/=> delivered to 192\.0\.2\.40:5432/],
    saysNot: [/warning/],
  },
  {
    folder: "05-trace-hides-policy",
    args: ["trace", "tcp 10.244.0.9:4000 > 10.244.0.2:80 iif cni0", "--rules", "host.v4", "--node-ip", "192.0.2.1"],
    code: 1,
    says: [/forward +FORWARD: policy drop +host\.v4:2:1/, /=> dropped/],
  },
  {
    folder: "05-trace-hides-policy",
    args: ["trace", "tcp 10.244.0.9:4000 > 10.244.0.2:80 iif cni0", "--rules", "host.nft", "--node-ip", "192.0.2.1"],
    code: 1,
    says: [/forward +forward: policy drop +host\.nft:3:/, /=> dropped/],
  },
  {
    folder: "07-set-aside-but-on-the-way",
    args: ["verify", "svc.yaml", "--against", "host.v4", ...CLUSTER],
    code: 1,
    says: [/=> different/, /line 30 of host\.v4.*by way of line 26 of host\.v4/],
    saysNot: [/(set aside|harmless).*line 26/],
  },
  {
    folder: "07-set-aside-but-on-the-way",
    args: ["verify", "svc.yaml", "--against", "host-without-jump.v4", ...CLUSTER],
    code: 0,
    says: [/=> equal/],
  },
  {
    folder: "10-ingress-literal-patterns",
    args: ["check", "ingress.yaml"],
    code: 0,
    says: [/ingress\.yaml:\d+:\d+: warning: .*\/\*/, /ingress\.yaml:\d+:\d+: warning: .*\/bot\(/],
  },
  { folder: "11-json-stream", args: ["check", "two.json"], code: 0, says: [/0 errors, 0 warnings/] },
  {
    folder: "14-other-listings",
    args: ["trace", TO_SERVICE, "--rules", "iptables-L.txt"],
    code: 2,
    says: [/iptables -L/, /iptables-save/],
  },
  {
    folder: "14-other-listings",
    args: ["trace", TO_SERVICE, "--rules", "nft-j.json"],
    code: 0,
    says: [/=> passes/],
    saysNot: [/error/],
  },
  {
    folder: "15-verdict-of-unread-rules",
    args: ["trace", TO_SERVICE, "--rules", "grepped.v4", ...NODE],
    code: 0,
    says: [/assuming: the rest of the dump/, /=> delivered to 10\.244\.2\.5:8080/],
    saysNot: [/untouched/],
  },
  {
    folder: "15-verdict-of-unread-rules",
    args: ["trace", TO_SERVICE, "--rules", "jump-to-nowhere.v4", ...NODE],
    code: 1,
    says: [
      /error: KUBE-SERVICES is not a chain/,
      /assuming: chain KUBE-SERVICES/,
      /assuming: not: chain KUBE-SERVICES/,
    ],
  },
];

describe("trials", () => {
  test.each(TRIALS.map((trial): [string, Trial] => [`${trial.folder}: kpc ${trial.args.join(" ")}`, trial]))(
    "%s",
    (_, { folder, args, code, says, saysNot = [] }) => {
      const place = new URL(`../../cases/trials/${folder}`, import.meta.url).pathname;
      const result = kpc(args, { folder: place });
      const text = result.stdout + result.stderr;
      for (const pattern of says) expect(text).toMatch(pattern);
      for (const pattern of saysNot) expect(text).not.toMatch(pattern);
      expect(result.code).toBe(code);
    },
  );
});
