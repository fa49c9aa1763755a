import { expect, test } from "vitest";
import type { ServicePort } from "../../../compiler/model/types.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { chooseEndpoints } from "../../../compiler/node/endpoints.ts";
import { candidate, located, servicePort } from "../../support/service-port.ts";

const LOCAL = { internalTrafficPolicy: "Local" } as const;
const EXTERNAL_LOCAL = { externalTrafficPolicy: "Local", externalIps: located("203.0.113.1") } as const;

/** Last number of each endpoint's address. */
function numbers(endpoints: readonly { address: Parameters<typeof printAddress>[0] }[]): string {
  return endpoints.map(({ address }) => printAddress(address).split(".").at(-1)).join(" ");
}

// Section numbers are those of compiler/lower/README.md.
test.each<[what: string, port: Partial<ServicePort>, candidates: string[], cluster: string, local: string]>([
  ["ready endpoints (2)", {}, ["1 ready", "2 not", "3 ready"], "1 3", ""],
  ["none is ready: those that serve and terminate (2)", {}, ["1 ending", "2 not", "3 gone"], "1", ""],
  ["one is ready: none that terminates (2)", {}, ["1 ending", "2 ready"], "2", ""],
  ["nothing serves (2)", {}, ["1 not", "2 gone"], "", ""],
  ["policy Local, internal: the local ones alone (2)", LOCAL, ["1 ready @here", "2 ready @there", "3 ready"], "", "1"],
  ["policy Local: a local one that ends, though others are ready (2)", LOCAL, ["1 ending @here", "2 ready"], "", "1"],
  ["policy Local, external: both lists (2)", EXTERNAL_LOCAL, ["1 ready @here", "2 ready @there"], "1 2", "1"],
  ["policy Local: neither list looks at the other (2)", EXTERNAL_LOCAL, ["1 ready @there", "2 ending @here"], "1", "2"],
  [
    "policy Local, external, without external addresses",
    { externalTrafficPolicy: "Local" },
    ["1 ready @here"],
    "1",
    "",
  ],
  [
    "hints name this node (3.1)",
    {},
    ["1 ready node=here", "2 ready node=there node=here", "3 ready node=x"],
    "1 2",
    "",
  ],
  ["hints of nodes come before those of zones (3)", {}, ["1 ready node=here zone=b", "2 ready node=x zone=a"], "1", ""],
  ["no hint names this node: those of its zone (3.2)", {}, ["1 ready node=x zone=a", "2 ready node=x zone=b"], "1", ""],
  ["hints name its zone (3.2)", {}, ["1 ready zone=b", "2 ready zone=a zone=b"], "2", ""],
  ["one has no hint: all are kept (3.3)", {}, ["1 ready zone=a", "2 ready"], "1 2", ""],
  ["no hint names its zone: all are kept (3.3)", {}, ["1 ready zone=b", "2 ready zone=c"], "1 2", ""],
  [
    "hints of endpoints that are not ready do not count (3)",
    {},
    ["1 ready zone=a", "2 not", "3 ready zone=b"],
    "1",
    "",
  ],
  ["hints do not count for those that terminate (3)", {}, ["1 ending zone=b", "2 ending zone=a"], "1 2", ""],
  ["hints do not count for the local list (3)", LOCAL, ["1 ready @here zone=b", "2 ready @here zone=a"], "", "1 2"],
])("%s", (_, port, candidates, cluster, local) => {
  const all = candidates.map(candidate);
  const here = { name: "here", zone: "a", addresses: [] };
  const chosen = chooseEndpoints(servicePort({ ...port, candidates: all }), here);
  expect({ cluster: numbers(chosen.clusterEndpoints), local: numbers(chosen.localEndpoints) }).toEqual({
    cluster,
    local,
  });
});

test.each<[what: string, name: string | undefined, zone: string | undefined, cluster: string, local: string]>([
  ["a node without a name has no local endpoint", undefined, "a", "1", ""],
  ["a node without a zone follows no hints of zones", "here", undefined, "1 2", "1"],
  ["nor does one whose zone is empty", "here", "", "1 2", "1"],
])("%s", (_, name, zone, cluster, local) => {
  const candidates = ["1 ready @here zone=a", "2 ready @there zone=b"].map(candidate);
  const chosen = chooseEndpoints(servicePort({ ...EXTERNAL_LOCAL, candidates }), { name, zone, addresses: [] });
  expect({ cluster: numbers(chosen.clusterEndpoints), local: numbers(chosen.localEndpoints) }).toEqual({
    cluster,
    local,
  });
});
