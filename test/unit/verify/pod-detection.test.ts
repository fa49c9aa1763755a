import { expect, test } from "vitest";
import { compileSpecs } from "../../../compiler/compile.ts";
import { required } from "../../../compiler/invariant.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { parsePrefix } from "../../../compiler/net/prefix.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import { podDetectionOf } from "../../../compiler/verify/pod-detection.ts";
import { serviceRulesOf } from "../../../compiler/verify/service-rules.ts";
import { HOST, HOST_MANIFESTS } from "../../support/host-dump.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";

const NODES = HOST_MANIFESTS.replace("{name: n1}\n", "{name: n1}\nspec: {podCIDRs: [10.9.1.0/24, 'fd00:1::/64']}\n");

const NFT = `table ip kube-proxy {
  chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
  chain service-WEB { ip daddr 10.96.0.30 tcp dport 80 ip saddr != 10.11.0.0/16 jump mark-for-masquerade; }
}
`;

/** What is found of a host with `program`, with the Nodes in `manifests`. */
function found(program: Program, manifests = HOST_MANIFESTS) {
  const specs = loadSpecs([{ name: "c", text: manifests }], () => undefined);
  return podDetectionOf(serviceRulesOf(program, []), specs);
}

const without = (text: string, part: string): Program => mustReadIptables(text.replaceAll(part, ""));
const having = (part: string): Program => mustReadIptables(HOST.replace("! -s 10.244.0.0/16", part));
const CHANGE = "(--cluster-cidr to change it)";

test.each<[string, Program, string?]>([
  [`cluster CIDR 10.244.0.0/16, from this host's rules, dump:49 ${CHANGE}`, mustReadIptables(HOST)],
  [`cluster CIDR 10.11.0.0/16, from this host's rules, dump:3 ${CHANGE}`, mustReadNft(NFT)],
  [
    `pods of this node are recognised by interface cbr0, from this host's rules, dump:49 ${CHANGE}`,
    having("! -i cbr0"),
  ],
  [
    `pods of this node are recognised by interfaces veth*, from this host's rules, dump:49 ${CHANGE}`,
    having("! -i veth+"),
  ],
  [
    `this host's rules have no cluster CIDR and masquerade nothing for coming from outside the pods: compared without one ${CHANGE}`,
    without(HOST, "! -s 10.244.0.0/16 "),
    NODES,
  ],
  [
    `cluster CIDR 10.9.1.0/24, from the podCIDRs of the Nodes ${CHANGE}`,
    mustReadIptables(
      "*nat\n:KUBE-SERVICES - [0:0]\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n",
    ),
    NODES,
  ],
  [
    `no cluster CIDR is known, neither from this host's rules nor from Nodes ${CHANGE}`,
    mustReadIptables(
      "*nat\n:KUBE-SERVICES - [0:0]\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n",
    ),
  ],
])("%s", (note, program, manifests) => {
  expect(found(program, manifests).note).toBe(note);
});

test("settings that are given win", () => {
  const detectorWith = (config: Config): unknown => {
    const { config: detection } = found(mustReadIptables(HOST));
    const { compiled } = compileSpecs((report) => loadSpecs([{ name: "c", text: HOST_MANIFESTS }], report), config, {
      detection: () => detection,
    });
    return required(compiled, "the manifests are right").settings.families.IPv4.detector;
  };
  const block = (text: string) => {
    const prefix = parsePrefix(text);
    return "kind" in prefix ? expect.fail(text) : prefix;
  };
  expect(detectorWith({ nodeName: "n1" })).toEqual({ kind: "source", prefixes: [block("10.244.0.0/16")] });
  expect(detectorWith({ nodeName: "n1", clusterCidr: [block("10.0.0.0/8")] })).toEqual({
    kind: "source",
    prefixes: [block("10.0.0.0/8")],
  });
  expect(detectorWith({ nodeName: "n1", detectLocalMode: "none" })).toBeUndefined();
});
