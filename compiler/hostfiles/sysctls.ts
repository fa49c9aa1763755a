/** Settings as `sysctl -a` prints them (`net.ipv4.ip_forward = 1`), or `grep . /proc/sys/net/...` (with slashes and a colon). */
import type { Origin, Report, Source } from "../diagnostics.ts";
import { show } from "../documents/show.ts";
import { interfaceSetting } from "../network/setting-names.ts";

/** A setting of the kernel: a whole number. */
export interface Sysctl {
  readonly value: number;
  readonly origin: Origin;
}

/** The settings of a host that decide where packets go. */
export interface Sysctls {
  /** They are all that the host has: sysctl -a printed them. */
  readonly isWhole: boolean;
  /** By their names with dots: `net.ipv4.ip_forward`. */
  readonly plain: ReadonlyMap<string, Sysctl>;
  /** By family, then by interface, `all` and `default` among them, then by name: `rp_filter`. */
  readonly interfaces: Readonly<Record<"ipv4" | "ipv6", ReadonlyMap<string, ReadonlyMap<string, Sysctl>>>>;
}

/** The settings of several texts. Reports `invalid-value` where one is not a number, and `repeated-node-file` where two texts have
 *  different values. */
export function readSysctls(sources: readonly Source[], report: Report): Sysctls {
  const plain = new Map<string, Sysctl>();
  const interfaces = { ipv4: new Map<string, Map<string, Sysctl>>(), ipv6: new Map<string, Map<string, Sysctl>>() };
  for (const source of sources)
    for (const { name, interface: own, value, ...span } of linesOf(source)) {
      const origin: Origin = { span: () => ({ source, ...span }) };
      if (!/^\d+$/.test(value)) {
        const message = `${name}: Invalid value: ${show(value)}: expected a whole number`;
        report({ severity: "error", code: "invalid-value", message, origin });
        continue;
      }
      const entry: Sysctl = { value: Number(value), origin };
      if (own === undefined) {
        add(plain, name, entry, name, report);
        continue;
      }
      const known = interfaces[own.family].get(own.name) ?? new Map<string, Sysctl>();
      interfaces[own.family].set(own.name, known);
      add(known, own.key, entry, name, report);
    }
  return { isWhole: sources.some(({ text }) => /^kernel\.\w/m.test(text)), plain, interfaces };
}

/** Settings of interfaces that kpc reads, by their names in /proc/sys/net/FAMILY/conf/INTERFACE. */
const INTERFACE_KEYS = [
  "forwarding",
  "force_forwarding",
  "rp_filter",
  "accept_local",
  "route_localnet",
  "send_redirects",
  "proxy_arp",
  "arp_ignore",
  "src_valid_mark",
];

const VALUE = "[ \\t]*[=:][ \\t]*(?<value>[^\\r\\n]*)";

/** A text has tens of settings for each interface: the pattern passes over those that kpc does not read. */
const LINE = new RegExp(
  `^(?:/proc/sys/)?(?:net(?<separator>[./])(?<family>ipv[46])[./]conf[./](?<interface>\\S+)[./](?<key>${INTERFACE_KEYS.join("|")})|(?<plain>net[./]ipv4[./]ip_forward|net[./]bridge[./]bridge-nf-call-ip6?tables))${VALUE}`,
  "gm",
);

interface SysctlLine {
  /** With dots. */
  readonly name: string;
  readonly interface: { readonly family: "ipv4" | "ipv6"; readonly name: string; readonly key: string } | undefined;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

function* linesOf({ text }: Source): Generator<SysctlLine> {
  for (const found of text.matchAll(LINE)) {
    const { separator, family, interface: written = "", key = "", plain, value = "" } = found.groups ?? {};
    const start = found.index;
    const line = { value: value.trimEnd(), start, end: start + found[0].trimEnd().length };
    if (family === undefined) {
      yield { ...line, name: (plain ?? "").replaceAll("/", "."), interface: undefined };
      continue;
    }
    // A path has the interface's name as it is; in a name with dots a dot of it is a slash.
    const name = separator === "/" ? written : written.replaceAll("/", ".");
    const own = { family: family === "ipv4" ? "ipv4" : "ipv6", name, key } as const;
    yield { ...line, name: interfaceSetting(own.family, name, key), interface: own };
  }
}

function add(known: Map<string, Sysctl>, key: string, entry: Sysctl, name: string, report: Report): void {
  const first = known.get(key);
  if (first === undefined) known.set(key, entry);
  else if (first.value !== entry.value)
    report({
      severity: "error",
      code: "repeated-node-file",
      message: `${name} is ${entry.value} here and ${first.value} before: expected one value`,
      origin: entry.origin,
      notes: [{ message: "first value here", origin: first.origin }],
    });
}
