/** A table of all sources, and what a few Services would add to it. */
import { type ResolvedInput, resolveInput } from "../../compile.ts";
import type { Diagnostic, Source } from "../../diagnostics.ts";
import { LiveTable } from "../../formats/tables/live-table.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import { Contribution } from "../../lower/contribution.ts";
import { Identities } from "../../lower/identities.ts";
import { type Contributions, contributionsOf, rulesetOf } from "../../lower/lower.ts";
import { getOrMake } from "../../memo.ts";
import { type Address, FAMILIES, type Family, isLoopback } from "../../net/address.ts";
import type { Config } from "../../node/config.ts";
import { type Resolved, resolveConfig } from "../../node/resolve.ts";
import type { Settings } from "../../node/settings.ts";
import { type NodeView, viewOf } from "../../node/view.ts";
import { loadSpecs } from "../../specs/load.ts";
import type { Specs } from "../../specs/types.ts";
import { NO_PART, TableFrame, type TablePart } from "../../tabulate/part.ts";
import { tabulate, unsupportedByTable } from "../../tabulate/tabulate.ts";
import { type FormWalks, servicesIn, tabulateByForm } from "./by-form.ts";
import { Claims } from "./claims.ts";
import { ServiceForms } from "./forms.ts";
import type { ServiceSpecs } from "./owners.ts";

/** Findings after which a Service's rules depend on another Service. */
const ENTANGLED: ReadonlySet<string> = new Set(["address-conflict", "external-ip-conflict"]);

export interface Base {
  readonly table: LiveTable;
  readonly claims: Claims;
  /** No change of Services is a patch: some of them depend on each other. */
  readonly isEntangled: boolean;
  readonly partOf: (own: ServiceSpecs) => ServicesPart | undefined;
  /** Service ports by family: without any, a family may have no rules. */
  readonly ports: Record<Family, number>;
}

/** How often something was done. */
export interface FollowWork {
  /** Tables made of all sources. */
  tables: number;
  /** Groups of Services that were made elements of. */
  lowered: number;
  /** Those of them whose rows had to be found out from the rules, because none of their form was known. */
  tabulated: number;
  /** Service ports that rules were walked for, in tables made of all sources. */
  walked: number;
}

export interface ServicesPart {
  readonly part: TablePart;
  readonly diagnostics: readonly Diagnostic[];
  /** Service ports by family. */
  readonly ports: Readonly<Record<Family, number>>;
}

export interface FollowSettings {
  readonly config: Config;
  readonly strict: boolean;
  readonly source: string;
  /** What is done is counted in it. */
  readonly work: FollowWork;
}

/** The table of all sources, and their objects; undefined where something is wrong, or a table cannot hold it. */
export function buildBase(
  sources: readonly Source[],
  { config, strict, source, work }: FollowSettings,
): {
  readonly diagnostics: readonly Diagnostic[];
  readonly base: Base | undefined;
  readonly specs?: ServiceSpecs;
} {
  work.tables++;
  const { diagnostics, resolved } = resolveInput(
    (report) => {
      const specs = loadSpecs(sources, report);
      return sources.length === 0 ? { ...specs, nothing: false } : specs; // a cluster may lose its last object
    },
    config,
    { strict, complete: false },
    (common, specs, report) => [resolveConfig(common, specs, report)],
  );
  const [own] = resolved?.nodes ?? [];
  if (resolved === undefined || own === undefined) return { diagnostics, base: undefined };
  const { specs, cluster } = resolved;
  const view = viewOf(cluster, own.node);
  const shape = shapeOf(view, own.settings);
  const addresses = new Set<Address>(own.node.addresses);
  const isLocal = (address: Address): boolean => addresses.has(address) || isLoopback(address);
  const claims = new Claims(specs, isLocal);
  const isEntangled = claims.doMeet || diagnostics.some(({ code }) => ENTANGLED.has(code));
  const forms = new ServiceForms(rulesetOf(shape, own.settings), isLocal);
  const walks: FormWalks = {
    forms,
    formOf: (few) =>
      isEntangled || !FAMILIES.every((family) => claims.isAlone(few[family]))
        ? undefined
        : forms.formOf(few, contributionsOf(few, own.settings)),
    tabulate: (some) => {
      work.walked += some.IPv4.length + some.IPv6.length;
      return tabulateRules(contributionsOf(some, own.settings), own, shape);
    },
    partOf: (few, frame) => tabulatePart(contributionsOf(few, own.settings), own, { shape, frame, work }),
  };
  const tabulated = tabulateByForm(view, walks);
  if ("unsupported" in tabulated) return { diagnostics: [...diagnostics, ...tabulated.unsupported], base: undefined };
  const { tabulation } = tabulated;
  try {
    const table = new LiveTable(tabulation, source);
    // Objects of Services are many, and not kept.
    const input = { specs: { ...specs, ...NO_OBJECTS }, config: resolved.config, nodes: resolved.nodes };
    const frame = new TableFrame(tabulation);
    const maker = { input, shape, frame, strict, work, forms };
    const partOf = (some: ServiceSpecs) => makePart(some, maker);
    return { diagnostics, base: { table, claims, isEntangled, partOf, ports: portsIn(view) }, specs };
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return { diagnostics: [...diagnostics, unsupportedByTable(error)], base: undefined };
  }
}

/** Puts one part in the place of another; undefined where that is no patch. */
export function patchBase(
  { table, claims, ports }: Base,
  before: ServicesPart & Own,
  after: ServicesPart & Own,
): Uint8Array | undefined {
  for (const family of FAMILIES) {
    const had = ports[family];
    ports[family] += after.ports[family] - before.ports[family];
    if (had > 0 && ports[family] === 0) return undefined;
  }
  if (!claims.remove(before.own) || !claims.add(after.own)) return undefined;
  return table.replace(before.part, after.part);
}

/** The objects that a part was made of. */
interface Own {
  readonly own: ServiceSpecs;
}

/** What parts are made with. */
interface PartMaker {
  /** Without objects. */
  readonly input: Pick<ResolvedInput, "specs" | "config" | "nodes">;
  /** The shape of those of all Services of the beginning. */
  readonly shape: Contributions;
  readonly frame: TableFrame;
  readonly forms: ServiceForms;
  readonly strict: boolean;
  readonly work: FollowWork;
}

/** What some Services add to the table: they are compiled by themselves, into tables of the same shape as those of all. Undefined where
 *  the shape would be another one, or something is wrong with them. */
function makePart(own: ServiceSpecs, maker: PartMaker): ServicesPart | undefined {
  if (own.services.length === 0) return { part: NO_PART, diagnostics: [], ports: { IPv4: 0, IPv6: 0 } };
  const { input, strict, forms, work } = maker;
  const { specs, config, nodes } = input;
  const { diagnostics, resolved } = resolveInput(
    () => ({ ...specs, ...own }),
    config,
    { strict, complete: false },
    () => nodes,
  );
  const [at] = nodes;
  if (resolved === undefined || at === undefined || diagnostics.some(({ code }) => ENTANGLED.has(code)))
    return undefined;
  work.lowered++;
  const view = viewOf(resolved.cluster, at.node);
  const few = contributionsOf(view, at.settings);
  const form = forms.formOf(view, few);
  const find = (): TablePart | undefined => tabulatePart(few, at, maker);
  const part = form === undefined ? find() : forms.partOf(form, find);
  return part && { part, diagnostics, ports: portsIn(view) };
}

/** The rows that `few` give, found out from the rules. */
function tabulatePart(
  few: Contributions,
  { node, settings }: Resolved,
  { shape, frame, work }: Pick<PartMaker, "shape" | "frame" | "work">,
): TablePart | undefined {
  if ([...few].some(([family, each]) => !fitsInto(each, shape.get(family)))) return undefined;
  work.tabulated++;
  const tabulated = tabulateRules(few, { node, settings }, shape);
  return "unsupported" in tabulated ? undefined : frame.partOf(tabulated.tabulation);
}

/** What the tables of all Services of `view` need to have room for. */
function shapeOf(view: NodeView, settings: Settings): Contributions {
  const shapes = new Map([...contributionsOf({ IPv4: [], IPv6: [] }, settings)]);
  for (const own of servicesIn(view))
    for (const [family, one] of contributionsOf(own, settings))
      getOrMake(shapes, family, () => new Contribution(new Identities())).widen(one);
  return new Map(
    FAMILIES.flatMap((family) => {
      const shape = shapes.get(family);
      return shape === undefined ? [] : [[family, shape]];
    }),
  );
}

/** The table of `few`, in the shape `shape`. */
function tabulateRules(
  few: Contributions,
  { node, settings }: Resolved,
  shape: Contributions,
): ReturnType<typeof tabulate> {
  return tabulate({ ruleset: rulesetOf(widened(few, shape), settings), routes: [] }, node.addresses);
}

/** `few`, with what tables need to have room for `all`. */
function widened(few: Contributions, all: Contributions): Contributions {
  return new Map(
    [...all].map(([family, whole]): [Family, Contribution] => {
      const contribution = few.get(family) ?? new Contribution(new Identities());
      contribution.widen(whole);
      return [family, contribution];
    }),
  );
}

function fitsInto(few: Contribution, all: Contribution | undefined): boolean {
  return all !== undefined && few.fitsInto(all);
}

function portsIn(view: NodeView): Record<Family, number> {
  return { IPv4: view.IPv4.length, IPv6: view.IPv6.length };
}

/** In the place of objects of Services, and of those on which no rule of a Service depends. */
const NO_OBJECTS = {
  services: [],
  endpointSlices: [],
  endpoints: [],
  pods: [],
  ingresses: [],
  secrets: [],
  gatewayClasses: [],
  gateways: [],
  httpRoutes: [],
  referenceGrants: [],
  workloads: [],
  skipped: new Map(),
} as const satisfies Partial<Specs>;
