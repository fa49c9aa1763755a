/** What requests meet at listeners of Gateways, in the text that a table has of them. */
import { readListeningPort } from "../../compiler/formats/ir/read-listeners.ts";
import { Misshapen } from "../../compiler/formats/ir/shape.ts";
import { rulesByPath } from "../../compiler/ir/path-rules.ts";
import type { ListeningPort, RequestRule, TlsTable } from "../../compiler/ir/routes.ts";
import { TableError } from "../table-error.ts";

/** A rule of a listener, and the place in the manifests where it stands. */
export interface PlacedRule {
  readonly rule: RequestRule;
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** What a host of a listener does with paths: the rules for each. */
interface RulesOfHost {
  readonly host: string | undefined;
  readonly exact: ReadonlyMap<string, readonly PlacedRule[]>;
  readonly prefixes: ReadonlyMap<string, readonly PlacedRule[]>;
}

/** Hosts of one port. */
export class PortTable {
  readonly listener: ListeningPort;
  private readonly byName = new Map<string, RulesOfHost>();
  /** Wildcards by what follows the asterisk. */
  private readonly bySuffix = new Map<string, RulesOfHost>();
  private readonly others: RulesOfHost | undefined;

  constructor(listener: ListeningPort, origins: readonly (readonly (string | undefined)[])[]) {
    this.listener = listener;
    // Of hosts with one name the first one counts.
    for (const [i, { host, paths }] of listener.hosts.entries()) {
      const table = tableOf(host, paths, origins[i] ?? []);
      const [map, key] = host?.startsWith("*.") === true ? [this.bySuffix, host.slice(1)] : [this.byName, host];
      if (key === undefined) this.others ??= table;
      else if (!map.has(key)) map.set(key, table);
    }
  }

  /** The host that takes requests for `name`, which is in lower case and has no port; empty: it is none. */
  hostFor(name: string): RulesOfHost | undefined {
    return (name === "" ? undefined : (this.byName.get(name) ?? longestSuffix(this.bySuffix, name))) ?? this.others;
  }

  /** The Secret of the certificate for a name in a TLS handshake, in lower case. */
  certificateFor(name: string): string | undefined {
    const { tls } = this.listener;
    return tls && certificateIn(tls, name);
  }
}

/** The rules that are tried for `path`, in their order. */
export function rulesFor({ exact, prefixes }: RulesOfHost, path: string): readonly PlacedRule[] {
  const found = exact.get(path) ?? prefixes.get(path);
  if (found !== undefined) return found;
  for (let end = path.lastIndexOf("/"); end >= 0; end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)) {
    const above = prefixes.get(path.slice(0, end));
    if (above !== undefined) return above;
  }
  return prefixes.get("/") ?? [];
}

function tableOf(
  host: string | undefined,
  paths: readonly RequestRule[],
  origins: readonly (string | undefined)[],
): RulesOfHost {
  const placed = new Map(paths.map((rule, i) => [rule, { rule, host, origin: origins[i] }]));
  const [exact, prefixes] = [new Map<string, readonly PlacedRule[]>(), new Map<string, readonly PlacedRule[]>()];
  for (const { match, path, rules } of rulesByPath(paths))
    (match === "exact" ? exact : prefixes).set(
      path,
      rules.flatMap((rule) => placed.get(rule) ?? []),
    );
  return { host, exact, prefixes };
}

/** The value of the longest key that `name` ends with; there is more in front of it. */
function longestSuffix<T>(bySuffix: ReadonlyMap<string, T>, name: string): T | undefined {
  if (bySuffix.size === 0) return undefined;
  for (let dot = name.indexOf(".", 1); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const found = bySuffix.get(name.slice(dot));
    if (found !== undefined) return found;
  }
  return undefined;
}

function certificateIn({ hosts, fallback, certificates }: TlsTable, name: string): string | undefined {
  const dot = name.indexOf(".");
  const precise = hosts.find(({ host }) => host === name);
  const oneLabel = dot > 0 ? hosts.find(({ host }) => host === `*${name.slice(dot)}`) : undefined;
  const any = new Map(hosts.filter(({ labels }) => labels === "any").map((each) => [each.host.slice(1), each]));
  const wanted = (precise ?? oneLabel ?? longestSuffix(any, name))?.certificate ?? fallback;
  return certificates.some((each) => each.name === wanted) ? wanted : undefined;
}

/** The ports of a table, by their numbers. Throws `TableError` for a text that is not one of a table. */
export function readPorts(text: string): ReadonlyMap<number, PortTable> {
  if (text === "") return new Map();
  try {
    const ports = valuesIn(JSON.parse(text)).map((entry) => {
      if (typeof entry !== "object" || entry === null || !("listener" in entry && "origins" in entry)) throw damaged();
      const listener = readListeningPort({ value: entry.listener, path: "", depth: 0 });
      const origins = valuesIn(entry.origins).map((host) =>
        valuesIn(host).map((origin) => (typeof origin === "string" ? origin : undefined)),
      );
      return new PortTable(listener, origins);
    });
    return new Map(ports.map((port) => [port.listener.port, port]));
  } catch (error) {
    if (error instanceof Misshapen || error instanceof SyntaxError) throw damaged();
    throw error;
  }
}

function valuesIn(list: unknown): readonly unknown[] {
  if (!Array.isArray(list)) throw damaged();
  return list;
}

function damaged(): TableError {
  return new TableError("the table is damaged: what it says of listeners is not understood");
}
