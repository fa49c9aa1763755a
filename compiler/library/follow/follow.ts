/** The classifier's table of a cluster that changes. */
import { checkOptions, checkText, type OptionKind, sourcesIn } from "../../arguments.ts";
import type { Diagnostic, Source } from "../../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../../documents/render.ts";
import { loadSpecs } from "../../specs/load.ts";
import { type NodeSettings, settingsIn } from "../settings.ts";
import { type Base, buildBase, type FollowSettings, type FollowWork, patchBase, type ServicesPart } from "./base.ts";
import { changesIn, changesOfEvents, type ObjectEvent, type SourceChange } from "./changes.ts";
import { isOfServices, joined, ownedIn, type ServiceSpecs } from "./owners.ts";

export interface FollowTableOptions {
  /** Settings of the node: an object, or the text of a settings file or of kube-proxy's ConfigMap. */
  readonly settings?: NodeSettings | Source;
  /** Kinds and fields that kpc does not know are errors. Default: false. */
  readonly strict?: boolean;
  /** What the table is made from; it is kept in it. */
  readonly source?: string;
}

/** What a change gives: a patch, or a new table. Neither where something is wrong: then nothing has changed, and `diagnostics` say why. */
export interface TableUpdate {
  readonly diagnostics: readonly DiagnosticData[];
  /** For `Classifier.patch`, after all patches before it. */
  readonly patch: Uint8Array | undefined;
  /** For `Classifier.replace`, where a patch does not do. */
  readonly table: Uint8Array | undefined;
}

/** A table and the sources that it was made from. */
export interface FollowedTable {
  /** About the sources of the beginning. */
  readonly diagnostics: readonly DiagnosticData[];
  /** The table as it is now; undefined while there is none. */
  readonly table: Uint8Array | undefined;
  /** Follows changes of sources. Throws `TypeError` for wrong arguments. */
  readonly update: (changes: Iterable<SourceChange>) => TableUpdate;
  /** Follows events of watches. Each object is a source of its own, `Kind namespace/name`. Throws `TypeError` for wrong arguments. */
  readonly updateObjects: (events: Iterable<ObjectEvent>) => TableUpdate;
}

const OPTIONS = { settings: "any", strict: "boolean", source: "any" } as const satisfies Readonly<
  Record<keyof FollowTableOptions, OptionKind>
>;

/** Makes the classifier's table of manifests as a cluster has them: nothing is assumed that a control plane would add. A source of its own
 *  for each object makes changes cheap. Throws `TypeError` for wrong arguments. */
export function followTable(manifests: Iterable<Source>, options: FollowTableOptions = {}): FollowedTable {
  const sources = new Map([...sourcesIn(manifests, "manifests")].map((source) => [source.name, source]));
  checkOptions(options, OPTIONS);
  const { settings, strict = false, source = "" } = options;
  checkText(source, "options.source");
  const early: Diagnostic[] = [];
  const config = settingsIn(settings, (diagnostic) => early.push(diagnostic));
  const work = { tables: 0, lowered: 0, tabulated: 0, walked: 0 };
  return new TableFollower(sources, { config, strict, source, work }, early);
}

/** More Services at once are not patched one by one. */
const MOST_SERVICES = 64;

export class TableFollower implements FollowedTable {
  /** What was done so far. */
  readonly work: Readonly<FollowWork>;
  readonly diagnostics: readonly DiagnosticData[];
  private readonly settings: FollowSettings;
  private readonly early: readonly Diagnostic[];
  private readonly sources: Map<string, Source>;
  private base: Base | undefined;
  /** The names of the sources that each Service's objects are in. */
  private owners = new Map<string, Set<string>>();
  /** The objects of sources in changes; undefined: on their objects others may depend, or they have errors. */
  private read = new WeakMap<Source, ReadSource | undefined>();
  /** What Services gave to the table, by the first of their sources. */
  private parts = new WeakMap<Source, { readonly sources: readonly Source[]; readonly part: ServicesPart }>();

  constructor(sources: Map<string, Source>, settings: FollowSettings, early: readonly Diagnostic[]) {
    this.sources = sources;
    this.settings = settings;
    this.work = settings.work;
    this.early = early;
    this.diagnostics = [...early, ...this.build()].map(diagnosticToJson);
  }

  get table(): Uint8Array | undefined {
    return this.base?.table.bytes.slice();
  }

  updateObjects(events: Iterable<ObjectEvent>): TableUpdate {
    return this.update([...changesOfEvents(events)]);
  }

  update(changes: Iterable<SourceChange>): TableUpdate {
    const before: Before = new Map();
    for (const { name, text } of [...changesIn(changes)]) {
      if (!before.has(name)) before.set(name, this.sources.get(name));
      this.set(name, text === undefined ? undefined : { name, text });
    }
    const patched = this.patch(before);
    if (patched !== undefined) return patched;
    const diagnostics = this.build().map(diagnosticToJson);
    if (this.base !== undefined) return { diagnostics, patch: undefined, table: this.table };
    for (const [name, source] of before) this.set(name, source);
    this.build();
    return { diagnostics, patch: undefined, table: undefined };
  }

  private set(name: string, source: Source | undefined): void {
    if (source === undefined) this.sources.delete(name);
    else this.sources.set(name, source);
  }

  /** Makes everything anew. */
  private build(): readonly Diagnostic[] {
    this.owners = new Map();
    this.parts = new WeakMap();
    this.base = undefined;
    if (this.early.some(({ severity }) => severity === "error")) return [];
    const { diagnostics, base, specs } = buildBase([...this.sources.values()], this.settings);
    this.base = base;
    for (const [meta, owner] of specs === undefined ? [] : ownedIn(specs))
      this.own(owner, meta.field.document().source.name);
    return diagnostics;
  }

  private own(service: string, source: string): void {
    const known = this.owners.get(service);
    if (known === undefined) this.owners.set(service, new Set([source]));
    else known.add(source);
  }

  private disown(service: string, source: string): void {
    const known = this.owners.get(service);
    known?.delete(source);
    if (known?.size === 0) this.owners.delete(service);
  }

  /** Undefined where a patch does not do. */
  private patch(before: Before): TableUpdate | undefined {
    const { base } = this;
    if (base === undefined || base.isEntangled) return undefined;
    const group = this.groupOf(before);
    if (group === undefined) return undefined;
    const dropped = this.partOf(
      [...group].flatMap((name) => this.sourceBefore(name, before) ?? []),
      base,
    );
    const put = this.partOf(
      [...group].flatMap((name) => this.sources.get(name) ?? []),
      base,
    );
    if (dropped === undefined || put === undefined) return undefined;
    const patch = patchBase(base, dropped, put);
    if (patch === undefined) return undefined;
    for (const [meta, owner] of ownedIn(dropped.own)) this.disown(owner, meta.field.document().source.name);
    for (const [meta, owner] of ownedIn(put.own)) this.own(owner, meta.field.document().source.name);
    return { diagnostics: put.diagnostics.map(diagnosticToJson), patch, table: undefined };
  }

  /** The changed sources, and all others of the Services in them; undefined where others may depend on them, or they are many. */
  private groupOf(before: Before): Set<string> | undefined {
    const group = new Set(before.keys());
    const services = new Set<string>();
    // The sets grow while they are gone through.
    for (const name of group) {
      for (const source of [this.sourceBefore(name, before), this.sources.get(name)]) {
        if (source === undefined) continue;
        const read = this.readOne(source);
        if (read === undefined) return undefined;
        for (const [, service] of ownedIn(read.specs)) {
          if (services.has(service)) continue;
          services.add(service);
          for (const other of this.owners.get(service) ?? []) group.add(other);
        }
      }
      if (services.size > MOST_SERVICES) return undefined;
    }
    return group;
  }

  private sourceBefore(name: string, before: Before): Source | undefined {
    return before.has(name) ? before.get(name) : this.sources.get(name);
  }

  private readOne(source: Source): ReadSource | undefined {
    if (!this.read.has(source)) this.read.set(source, readSource(source, this.settings.strict));
    return this.read.get(source);
  }

  /** What the Services of `sources` give to the table. */
  private partOf(sources: readonly Source[], base: Base): GroupPart | undefined {
    const read = sources.map((source) => this.readOne(source));
    if (!read.every((each) => each !== undefined)) return undefined;
    const own = joined(read.map(({ specs }) => specs));
    const [first] = sources;
    const known = first && this.parts.get(first);
    const isKnown = known?.sources.length === sources.length && known.sources.every((each, i) => each === sources[i]);
    const part = isKnown ? known.part : base.partOf(own);
    if (part === undefined) return undefined;
    if (first !== undefined) this.parts.set(first, { sources, part });
    return { ...part, own, diagnostics: [...read.flatMap(({ diagnostics }) => diagnostics), ...part.diagnostics] };
  }
}

interface ReadSource {
  readonly specs: ServiceSpecs;
  readonly diagnostics: readonly Diagnostic[];
}

interface GroupPart extends ServicesPart {
  readonly own: ServiceSpecs;
}

/** Sources that have changed, as they were. */
type Before = Map<string, Source | undefined>;

/** Undefined where it has more than objects of Services, or something is wrong with them. */
function readSource(source: Source, strict: boolean): ReadSource | undefined {
  const diagnostics: Diagnostic[] = [];
  const specs = loadSpecs([source], (diagnostic) => diagnostics.push(diagnostic));
  const isWrong = diagnostics.some(({ severity }) => severity === "error" || (strict && severity === "warning"));
  return isWrong || !isOfServices(specs) ? undefined : { specs, diagnostics };
}
