/** Settings as `sysctl -a` prints them (`net.ipv4.ip_forward = 1`), or `grep . /proc/sys/net/...` (with slashes and a colon). */
import type { Origin, Report, Source } from "../diagnostics.ts";
import { show } from "../documents/show.ts";

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
    for (const { family, rest, name, value, start, end } of linesOf(source)) {
      const origin: Origin = { span: () => ({ source, start, end }) };
      const conf = family === "bridge" ? null : CONF.exec(rest);
      const [, interfaceText = "", key = rest] = conf ?? [];
      if (conf !== null ? !INTERFACE_KEYS.has(key) : !PLAIN.test(name)) continue;
      if (!/^\d+$/.test(value)) {
        const message = `${name}: Invalid value: ${show(value)}: expected a whole number`;
        report({ severity: "error", code: "invalid-value", message, origin });
        continue;
      }
      const entry: Sysctl = { value: Number(value), origin };
      if (family === "bridge" || conf === null) add(plain, name, entry, name, report);
      else {
        // sysctl writes a dot of an interface's name as a slash.
        const interfaceName = interfaceText.replaceAll("/", ".");
        const own = interfaces[family].get(interfaceName) ?? new Map<string, Sysctl>();
        interfaces[family].set(interfaceName, own);
        add(own, key, entry, name, report);
      }
    }
  return { isWhole: sources.some(({ text }) => /^kernel\.\w/m.test(text)), plain, interfaces };
}

const CONF = /^conf[./](.+)[./](\w+)$/;

const PLAIN = /^net\.(?:ipv4\.ip_forward|bridge\.bridge-nf-call-ip6?tables)$/;

/** Those of interfaces that kpc reads. */
const INTERFACE_KEYS: ReadonlySet<string> = new Set([
  "forwarding",
  "force_forwarding",
  "rp_filter",
  "accept_local",
  "route_localnet",
  "send_redirects",
  "proxy_arp",
  "arp_ignore",
  "src_valid_mark",
]);

interface SysctlLine {
  readonly family: "ipv4" | "ipv6" | "bridge";
  readonly rest: string;
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

function* linesOf({ text }: Source): Generator<SysctlLine> {
  const pattern = /^(?:\/proc\/sys\/)?net([./])(ipv4|ipv6|bridge)[./]([^\s=:]+)[ \t]*[=:][ \t]*([^\r\n]*?)[ \t]*\r?$/gm;
  for (const found of text.matchAll(pattern)) {
    const [line, separator = ".", family = "", rest = "", value = ""] = found;
    if (family !== "ipv4" && family !== "ipv6" && family !== "bridge") continue;
    // A path has the interface's name as it is; in a name with dots a dot of it is a slash.
    const name = separator === "." ? `net.${family}.${rest}` : `net.${family}.${swapSeparators(rest)}`;
    yield {
      family,
      rest: separator === "." ? rest : swapSeparators(rest),
      name,
      value,
      start: found.index,
      end: found.index + line.trimEnd().length,
    };
  }
}

function swapSeparators(path: string): string {
  return path.replace(/[./]/g, (char) => (char === "/" ? "." : "/"));
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
