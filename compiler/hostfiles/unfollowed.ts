/** Settings that change what happens to packets, and that kpc does not follow. */
import type { Report } from "../diagnostics.ts";
import { interfaceSetting } from "../network/setting-names.ts";
import { settingInForce } from "./effective.ts";
import type { HostFacts } from "./facts.ts";

const SETTINGS = {
  arp_ignore: "the interface answers ARP for fewer addresses than kpc assumes",
  src_valid_mark: "the check of a packet's source looks at its mark, which kpc leaves out there",
} as const;

/** Reports each such setting once, and bridges that filter VLANs. */
export function reportUnfollowed({ links, sysctls }: HostFacts, report: Report): void {
  for (const key of ["arp_ignore", "src_valid_mark"] as const)
    for (const { name } of links) {
      const { value, provenance } = settingInForce(sysctls, name, key);
      if (value === 0 || name === "lo") continue;
      report({
        severity: "note",
        code: "unsupported-network",
        message: `${interfaceSetting("ipv4", name, key)} is ${value} in effect: ${SETTINGS[key]}`,
        ...(provenance.origin === undefined ? {} : { origin: provenance.origin }),
      });
      break;
    }
  for (const { name, bridge } of links)
    if (bridge?.filtersVlans === true)
      report({
        severity: "warning",
        code: "unsupported-network",
        message: `bridge ${name} filters VLANs: kpc takes all of its ports for one network`,
        origin: bridge.origin,
      });
}
