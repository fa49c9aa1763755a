/** Where kube-proxy 1.37 and kpc, which does what kube-proxy 1.35 did, do something else: what explains a difference between them. There is one
 *  more, of objects that people do not write: since 1.37 kube-proxy serves a Service with a cluster IP and the label service.kubernetes.io/headless,
 *  and reads slices with the label service.kubernetes.io/service-proxy-name. */
import { members } from "../../../runtime/api/trouble.ts";
import type { Manifest } from "../arbitraries.ts";

/** A class of packets that meet something else, as `kpc verify -o json` prints it. */
export interface SeenDifference {
  readonly trace: string;
  readonly ctState: readonly string[] | null;
  readonly source: readonly [first: string, last: string];
  readonly destination: readonly [first: string, last: string];
  /** Chances of outcomes: of kpc's rules, and of kube-proxy's. */
  readonly left: Readonly<Record<string, number>>;
  readonly right: Readonly<Record<string, number>>;
}

export interface SeenCluster {
  readonly mode: "nftables" | "iptables";
  /** As the API server has it. */
  readonly text: string;
  readonly objects: readonly Manifest[];
  readonly nodeName: string;
}

/** What explains `difference`; undefined: nothing does. */
export function explanationOf(difference: SeenDifference, cluster: SeenCluster): string | undefined {
  return EXPLANATIONS.find(({ holds }) => holds(difference, cluster))?.name;
}

const EXPLANATIONS: readonly {
  readonly name: string;
  readonly holds: (difference: SeenDifference, cluster: SeenCluster) => boolean;
}[] = [
  {
    // Its set hairpin-connections has the endpoints of this node. Others send nothing to themselves by this node.
    name: "an endpoint of another node that reaches itself: kube-proxy does not masquerade",
    holds: ({ source: [first, last], left, right }, { mode, objects, nodeName }) => {
      const others = elsewhere(objects, nodeName);
      const target = new RegExp(`^to \\[?${first.replaceAll(".", "\\.")}\\]?:(\\d+), masqueraded`);
      const without = mapped(left, (outcome) => {
        const port = target.exec(outcome)?.[1];
        return port === undefined || !others.has(`${first} ${port}`) ? outcome : outcome.replace(", masqueraded", "");
      });
      return mode === "nftables" && first === last && isSame(without, right);
    },
  },
  {
    // It marks what goes to a cluster IP before it looks for the port.
    name: "a packet to a port that no Service has, of a related connection, to a cluster IP: kube-proxy masquerades",
    holds: ({ ctState, destination: [first, last], left, right }, { mode, text }) =>
      mode === "nftables" &&
      first === last &&
      text.includes(`"${first}"`) &&
      ctState !== null &&
      !ctState.includes("new") &&
      isSame(
        mapped(left, (outcome) => (outcome === "pass" ? "pass, masqueraded" : outcome)),
        right,
      ),
  },
];

function mapped(
  chances: Readonly<Record<string, number>>,
  change: (outcome: string) => string,
): Record<string, number> {
  const result: Record<string, number> = {};
  for (const [outcome, chance] of Object.entries(chances))
    result[change(outcome)] = (result[change(outcome)] ?? 0) + chance;
  return result;
}

function isSame(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => Math.abs((a[key] ?? 0) - (b[key] ?? 0)) < 1e-9);
}

/** `address port` of the endpoints that are listed as being on another node, or nowhere. */
function elsewhere(objects: readonly Manifest[], nodeName: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const slice of objects) {
    const { endpoints, ports } = slice;
    if (!Array.isArray(endpoints) || !Array.isArray(ports)) continue;
    for (const endpoint of endpoints)
      if (members(endpoint)["nodeName"] !== nodeName)
        for (const { port } of ports) found.add(`${endpoint.addresses[0]} ${port}`);
  }
  return found;
}
