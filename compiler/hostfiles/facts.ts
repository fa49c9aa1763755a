/** The files of a node, each read as what it is. */
import type { Report, Source } from "../diagnostics.ts";
import type { Context } from "../documents/decode.ts";
import { asString } from "../documents/decode.ts";
import { Field } from "../documents/field.ts";
import { looksLikeJson, readJson } from "../documents/json.ts";
import { skipSpace, syntaxErrorIn } from "../documents/json-text.ts";
import { formOf } from "../documents/other-input.ts";
import { dialectOf } from "../formats/read-rules.ts";
import { unreachable } from "../invariant.ts";
import type { Family } from "../net/address.ts";
import type { PolicyRule } from "../network/types.ts";
import { commandOfJson, type HostCommand, isSysctl, strangeTextOf } from "./commands.ts";
import { type LinkFacts, type PortFacts, readLinks, readPort } from "./links.ts";
import type { ListOf } from "./lists.ts";
import { mergeLinks } from "./merge-links.ts";
import { mergeRoutes, mergeRules } from "./merge-routes.ts";
import { type ForwardingEntry, type NeighbourEntry, readForwarding, readNeighbours } from "./neighbours.ts";
import { familyOfRules, readPolicyRules } from "./policy-rules.ts";
import { readRoutes, type TabledRoute } from "./routes.ts";
import { readSysctls, type Sysctls } from "./sysctls.ts";

/** What the files of one node say. */
export interface HostFacts {
  /** In the order of their indexes. */
  readonly links: readonly LinkFacts[];
  /** By the port's name, from `bridge link`. */
  readonly ports: ReadonlyMap<string, PortFacts>;
  readonly routes: readonly TabledRoute[];
  /** Undefined: no file has them. */
  readonly policyRules: Readonly<Record<Family, readonly PolicyRule[] | undefined>>;
  readonly neighbours: readonly NeighbourEntry[];
  readonly forwarding: readonly ForwardingEntry[];
  readonly sysctls: Sysctls;
  /** The commands that printed the files. */
  readonly commands: ReadonlySet<HostCommand>;
  /** Dumps of rules, which other readers read. */
  readonly rules: readonly Source[];
}

/** Reads all files of a node. */
export function readHostFacts(sources: readonly Source[], report: Report): HostFacts {
  const reader = new FactReader(report);
  for (const source of sources) reader.read(source);
  return reader.facts();
}

class FactReader {
  private readonly report: Report;
  private readonly links: ListOf<LinkFacts>[] = [];
  private readonly ports = new Map<string, PortFacts>();
  private readonly routes: ListOf<TabledRoute>[] = [];
  private readonly policyRules: { readonly entries: readonly Field[]; readonly root: Field }[] = [];
  private readonly neighbours: NeighbourEntry[] = [];
  private readonly forwarding: ForwardingEntry[] = [];
  private readonly sysctls: Source[] = [];
  private readonly commands = new Set<HostCommand>();
  private readonly rules: Source[] = [];

  constructor(report: Report) {
    this.report = report;
  }

  facts(): HostFacts {
    const { report, commands, ports, neighbours, forwarding, rules } = this;
    return {
      links: mergeLinks(this.links, report),
      ports,
      routes: mergeRoutes(this.routes, report),
      policyRules: mergeRules(
        this.policyRules.map(({ entries, root }) => {
          const { family, isSure } = familyOfRules(entries);
          return { items: readPolicyRules(entries, root, family, report), origin: root, family, isSure };
        }),
        report,
      ),
      neighbours,
      forwarding,
      sysctls: readSysctls(this.sysctls, report),
      commands,
      rules,
    };
  }

  read(source: Source): void {
    const { text } = source;
    if (text.trim() === "")
      this.tell(source, "note", "empty-input", "the file is empty: expected the output of a command", 0, 1);
    else if (dialectOf(text) !== undefined) this.rules.push(source);
    else if (looksLikeJson(text)) this.readJson(source);
    else if (isSysctl(text)) {
      this.commands.add("sysctl -a");
      this.sysctls.push(source);
    } else this.tellStrange(source);
  }

  private readJson(source: Source): void {
    const documents = readJson(source, this.report);
    if (documents === "not JSON") {
      const { offset, message } = syntaxErrorIn(source.text, skipSpace(source.text, 0));
      const at = Math.min(offset, source.text.length - 1);
      this.tell(source, "error", "json-syntax", `${message}: the JSON was probably cut off`, at, at + 1);
      return;
    }
    for (const document of documents) this.readDocument(source, Field.root(document));
  }

  private readDocument(source: Source, root: Field): void {
    const entries = Array.isArray(root.value) ? root.items() : undefined;
    const command = entries === undefined ? undefined : commandOfJson(entries);
    if (entries === undefined || command === undefined) this.tellStrange(source, root);
    else if (command !== "empty") {
      this.commands.add(command);
      this.readEntries(command, entries, root);
    }
  }

  private readEntries(command: HostCommand, entries: readonly Field[], root: Field): void {
    const { report } = this;
    switch (command) {
      case "ip -j -d addr":
      case "ip -j -d link":
        this.links.push({ items: readLinks(entries, root, report), origin: root });
        return;
      case "bridge -j -d link":
        this.readPorts(entries, { report, root, subject: "a port" });
        return;
      case "ip -j route show table all":
        this.routes.push({ items: readRoutes(entries, root, report), origin: root });
        return;
      case "ip -j rule":
        this.policyRules.push({ entries, root });
        return;
      case "ip -j neigh":
        this.neighbours.push(...readNeighbours(entries, root, report));
        return;
      case "bridge -j fdb":
        this.forwarding.push(...readForwarding(entries, root, report));
        return;
      case "sysctl -a":
        throw new Error("invariant broken: sysctl prints no JSON");
      default:
        unreachable(command);
    }
  }

  private readPorts(entries: readonly Field[], context: Context): void {
    for (const entry of entries) {
      const name = asString(context, entry.get("ifname"));
      if (name !== undefined && entry.get("master") !== undefined) this.ports.set(name, readPort(context, entry));
    }
  }

  /** Says what a text is that belongs to no command. */
  private tellStrange(source: Source, root?: Field): void {
    const form = formOf(source.text);
    const strange = root === undefined ? strangeTextOf(source.text) : undefined;
    const expected = "expected what a node's commands print: ip -j -d addr, ip -j route show table all and others";
    if (strange !== undefined) this.tell(source, "error", "other-input", strange.message, strange.start, strange.end);
    else if (form !== undefined) {
      const what = form.form === "manifests" ? "these are Kubernetes objects" : `this is ${form.form}`;
      this.tell(source, "error", "other-input", `${what}: ${expected}`, form.start, form.end);
    } else {
      const { start } = root?.span() ?? { start: 0 };
      this.tell(source, "warning", "other-input", `kpc does not read this: ${expected}`, start, start + 1);
    }
  }

  private tell(
    source: Source,
    severity: "error" | "warning" | "note",
    code: "empty-input" | "json-syntax" | "other-input",
    message: string,
    start: number,
    end: number,
  ): void {
    this.report({ severity, code, message, origin: { span: () => ({ source, start, end }) } });
  }
}
