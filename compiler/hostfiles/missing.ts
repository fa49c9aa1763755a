/** What the files of a node do not say, and what kpc takes instead. */
import type { Diagnostic, Origin, Report } from "../diagnostics.ts";
import { FAMILIES, type Family, familyOf } from "../net/address.ts";
import type { HostFacts } from "./facts.ts";

/** Reports `missing-node-file` for each command whose output is missing and matters. */
export function reportMissingFiles(node: string, facts: HostFacts, report: Report): void {
  const { links, commands, ports } = facts;
  const [first] = links;
  const tell = (severity: Diagnostic["severity"], message: string, origin: Origin | undefined): void =>
    report({
      severity,
      code: "missing-node-file",
      message: `node ${node}: ${message}`,
      ...(origin === undefined ? {} : { origin }),
    });
  if (first === undefined) {
    tell("error", "expected the output of ip -j -d addr among its files", undefined);
    return;
  }
  if (links.every(({ addresses }) => addresses === undefined)) {
    tell("error", "this is ip -j link, which prints no addresses: expected the output of ip -j -d addr", first.origin);
    return;
  }
  if (!links.some(({ isDetailed }) => isDetailed))
    tell(
      "warning",
      "without -d no kinds of interfaces are printed: expected the output of ip -j -d addr",
      first.origin,
    );
  const plainPort = links.find(
    ({ name, port, masterKind }) =>
      (masterKind === "bridge" || ports.has(name)) && port === undefined && ports.get(name)?.hairpin === undefined,
  );
  if (plainPort !== undefined)
    tell(
      "note",
      "kpc takes hairpin and isolation of bridge ports for off: expected the output of bridge -j -d link",
      plainPort.origin,
    );
  if (!commands.has("sysctl -a"))
    tell(
      "note",
      "kpc takes the kernel's defaults for all settings (no forwarding): expected the output of sysctl -a",
      first.origin,
    );
  for (const family of FAMILIES) reportMissingOf(family, facts, tell);
  const silent = links.find(
    ({ kind, name, isUp }) => kind === "vxlan" && isUp && !facts.forwarding.some((each) => each.interface === name),
  );
  if (silent !== undefined)
    tell(
      "note",
      `where ${silent.name} sends packets is not known: expected the outputs of ip -j neigh and bridge -j fdb`,
      silent.origin,
    );
}

function reportMissingOf(
  family: Family,
  { links, routes, policyRules }: HostFacts,
  tell: (severity: Diagnostic["severity"], message: string, origin: Origin | undefined) => void,
): void {
  const used = links
    .filter(({ isUp, linkType }) => isUp && linkType !== "loopback")
    .flatMap(({ addresses }) => addresses ?? [])
    .find(({ address, scope }) => familyOf(address) === family && scope !== "link");
  if (used === undefined) return;
  const option = family === "IPv6" ? " -6" : "";
  const own = routes.filter((each) => each.family === family);
  const expected = `expected the output of ip${option} -j route show table all`;
  const origin = used.provenance?.origin;
  if (own.length === 0)
    tell("warning", `no file has ${family} routes, kpc takes those to connected subnets only: ${expected}`, origin);
  else if (!own.some(({ table }) => table === "local"))
    tell(
      "warning",
      `the ${family} routes are those of the table main only: ${expected}`,
      own[0]?.route.provenance?.origin,
    );
  if (policyRules[family] === undefined)
    tell(
      "note",
      `kpc takes the ${family} policy rules that the kernel starts with: expected the output of ip${option} -j rule`,
      origin,
    );
}
