/** The text of `haproxy.cfg` and of maps, as kpc writes them, in parts. */

export const CONFIG = "haproxy.cfg";

/** A configuration as kpc writes it. */
export interface ProxyConfig {
  /** All but backends. */
  readonly lines: readonly string[];
  readonly defaults: string;
  readonly backends: Map<string, BackendSection>;
}

export interface BackendSection {
  /** All but servers. */
  readonly lines: readonly string[];
  readonly defaults: string;
  /** What stands behind a server's name. */
  readonly servers: ReadonlyMap<string, string>;
}

const DEFAULTS = /^ {2}default-server (.*)$/;

/** The sections of `haproxy.cfg`, without comments: these tell when and how the file was made. */
export function readConfig(text: string): ProxyConfig {
  const lines: string[] = [];
  const backends = new Map<string, BackendSection>();
  let defaults = "";
  let section: { lines: string[]; defaults: string; servers: Map<string, string> } | undefined;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name] = /^backend (\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      section = { lines: [], defaults: "", servers: new Map() };
      backends.set(name, section);
      continue;
    }
    if (!line.startsWith(" ")) section = undefined;
    const [, server, words] = /^ {2}server (\S+) (.*)$/.exec(line) ?? [];
    const [, own] = DEFAULTS.exec(line) ?? [];
    if (section === undefined) {
      lines.push(line);
      defaults = own ?? defaults;
    } else if (server !== undefined && words !== undefined) section.servers.set(server, words);
    else {
      section.lines.push(line);
      section.defaults = own ?? section.defaults;
    }
  }
  return { lines, defaults, backends };
}

/** `text` with the backends that only `before` has at its end. */
export function printConfig(text: string, before: ProxyConfig, after: ProxyConfig): string {
  const wanted = readConfig(text).backends;
  const kept = [...before.backends].filter(([name]) => after.backends.has(name) && !wanted.has(name));
  const sections = kept.flatMap(([name, { lines }]) => [`backend ${name}`, ...lines, ""]);
  return sections.length === 0 ? text : [text, ...sections].join("\n");
}

/** The rows of a map, by their keys. */
export function rowsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const at = line.indexOf(" ");
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}
