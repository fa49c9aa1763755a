/** What happened to a packet on each host, as rows of a text. */
import type { PathStep, SourceChoice } from "../../evaluate/packet.ts";
import { unreachable } from "../../invariant.ts";
import type { Step } from "../../ir/types.ts";
import { translatedBy } from "../../ir/walk.ts";
import { type Address, familyOf, printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import type { Provenance } from "../../network/provenance.ts";
import type { Hop, Leg, WalkEnd, WalkStep } from "../../walk/types.ts";
import { placeAt, printPlaceView, type StepView } from "../view.ts";
import { endText, forwardedForText } from "./end-text.ts";
import { shownSteps, type WalkShownStep } from "./shown-steps.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** A line of a walk. */
export interface WalkRow {
  /** Set where the packet is at another place, or is changed. */
  readonly number: number | undefined;
  readonly host: string;
  readonly interface: string;
  readonly text: string;
  /** Where the reason stands. */
  readonly place: string | undefined;
  /** The input does not say it. */
  readonly isInferred?: boolean;
  /** From where it is inferred, and the like: for who asks. */
  readonly why: readonly string[];
  /** The rule ended the packet's way: `why` is always told. */
  readonly isRefusal?: boolean;
  /** Where the packet was. Undefined: it was nowhere yet. */
  readonly hop: Hop | undefined;
  readonly subject: RowSubject;
  /** The statement of the rule that translates the packet. */
  readonly verb?: Step["kind"] | undefined;
  /** The number of the request's translation that connection tracking takes back. */
  readonly undoes?: number;
}

/** What a row tells of. */
export type RowSubject =
  /** A host did it. */
  | { readonly kind: "step"; readonly step: WalkStep }
  /** The packet came in by a port of a bridge. */
  | { readonly kind: "port"; readonly step: Extract<WalkStep, { readonly kind: "bridged" }> }
  /** A switch carried it. */
  | { readonly kind: "carried" }
  /** The host sent it as it is after translations. */
  | { readonly kind: "sent" }
  /** It passed these hosts unchanged. */
  | { readonly kind: "passed"; readonly hops: readonly Hop[] }
  /** A proxy passes an answer on. */
  | { readonly kind: "handed-over" }
  | { readonly kind: "end"; readonly end: WalkEnd };

export type WalkTranslation = Extract<WalkStep, { readonly kind: "translated" }>;

/** The translation that a row tells of. */
export function translationOf({ subject }: Pick<WalkRow, "subject">): WalkTranslation | undefined {
  return subject.kind === "step" && subject.step.kind === "translated" ? subject.step : undefined;
}

type Draft = Omit<WalkRow, "number" | "host" | "hop"> & { readonly isNumbered: boolean };

/** The hosts that a leg comes by, with the last one. */
export function hostsOf({ hops, end }: Leg): string[] {
  return [...hops.map(({ host }) => host), end.host];
}

/** What a row says, as a line. */
export function printRow({ text, subject }: Pick<WalkRow, "text" | "subject">): string {
  return subject.kind === "end" ? `=> ${text}` : text;
}

/** What stands behind it. */
export function printRowPlace({ place, isInferred }: Pick<WalkRow, "place" | "isInferred">): string | undefined {
  if (isInferred !== true) return place;
  return place === undefined ? "(inferred)" : `${place} (inferred)`;
}

/** The rows of a leg, numbered from 1. `ending`: how it ends, in words. */
export function rowsOf({ hops, end }: Leg, context: TellingContext, ending = endText(end, context)): WalkRow[] {
  const rows: WalkRow[] = [];
  let number = 0;
  for (const [i, hop] of hops.entries()) {
    const isLast = i === hops.length - 1;
    const drafts = hopRows(hop, context, isLast ? end : undefined);
    if (isLast) drafts.push(plain({ kind: "end", end }, drafts.length === 0, interfaceAtEnd(hop), ending));
    for (const { isNumbered, ...row } of drafts)
      rows.push({ ...row, number: isNumbered ? ++number : undefined, host: hop.host, hop });
  }
  if (hops.length === 0) {
    const { isNumbered: _, ...row } = plain({ kind: "end", end }, true, "", ending);
    rows.push({ ...row, number: number + 1, host: end.host, hop: undefined });
  }
  return rows;
}

/** What happened on one host, a line each, with the place of its reason. `end`: how the packet's way ended there. */
export function hopLines(hop: Hop, context: TellingContext, end: WalkEnd | undefined): string[] {
  const lines = hopRows(hop, context, end).map((row) => {
    const place = printRowPlace(row);
    return place === undefined ? row.text : `${row.text}   ${place}`;
  });
  return end === undefined ? lines : [...lines, `=> ${endText(end, context)}`];
}

function interfaceAtEnd({ inInterface, steps }: Hop): string {
  const up = steps.find((step) => step.kind === "bridged" && step.port === undefined);
  return up?.kind === "bridged" ? up.bridge : (inInterface ?? "");
}

function plain(subject: RowSubject, isNumbered: boolean, name: string, text: string): Draft {
  return { subject, isNumbered, interface: name, text, place: undefined, why: [] };
}

function hopRows(hop: Hop, context: TellingContext, end: WalkEnd | undefined): Draft[] {
  const role = context.hosts.get(hop.host)?.role.kind;
  if (role === "switch" && end === undefined)
    return [plain({ kind: "carried" }, true, "", `carries ${tupleText(hop.after, context)}`)];
  const shown = shownSteps(hop, context, end);
  const drafts: Draft[] = [];
  const add = (draft: Draft): void => void drafts.push(drafts.length === 0 ? { ...draft, isNumbered: true } : draft);
  const isOwn = hop.inInterface === undefined;
  const first = hop.steps.find((step) => step.kind === "routed");
  let at = hop.inInterface ?? first?.hop.interface ?? hop.outInterface ?? "lo";
  const bridged = hop.steps.find(
    (step) => step.kind === "bridged" && step.inPort !== undefined && step.inPort === hop.inInterface,
  );
  if (bridged?.kind === "bridged") {
    const family = familyOf(hop.before.destination) === "IPv4" ? "iptables" : "ip6tables";
    const seen = bridged.throughRules
      ? `; bridge-nf-call-${family} is on, so rules see it`
      : bridged.port === undefined
        ? ", which takes it up"
        : "";
    add(plain({ kind: "port", step: bridged }, true, at, `port of bridge ${bridged.bridge}${seen}`));
    if (bridged.throughRules) at = bridged.bridge;
  }
  for (const [i, step] of hop.steps.entries()) {
    const subject: RowSubject = { kind: "step", step };
    switch (step.kind) {
      case "rules":
        for (const each of shown) {
          if (!step.path.includes(each.shown.step) || !isTold(each, shown, hop, end, context)) continue;
          add({
            ...plain(subject, false, at, ruleText(each)),
            place: placeOfView(each.view),
            why: ruleWords(each.view),
            isRefusal: isRefused(end),
          });
        }
        break;
      case "translated":
        add(translationRow(step, hop.steps[i - 1], at, shown, context));
        break;
      case "routed":
        if (isOwn) at = step.hop.interface;
        if (step.route.kind === "local") break;
        add({
          ...plain(subject, false, at, routeText(step, hop.steps.slice(i + 1))),
          ...placeOfProvenance(step.route.provenance),
          why: inferred(step.route.provenance),
        });
        break;
      case "bridged":
        if (step.port === undefined) at = step.bridge;
        else add(plain(subject, true, step.port, bridgedText(step)));
        break;
      case "neighbour":
        break;
      case "source":
        add(plain(subject, false, at, `source ${printAddress(step.address)}`));
        break;
      case "encapsulated":
        at = hop.outInterface ?? at;
        add(plain(subject, true, at, `goes into ${tunnelText(step.outer, context)}`));
        break;
      case "fragmented":
        add(
          plain(
            subject,
            true,
            step.interface,
            `out in fragments: ${step.bytes} bytes are more than the MTU of ${step.mtu}`,
          ),
        );
        break;
      case "decapsulated":
        add(plain(subject, true, at, `comes out of ${tunnelText(step.outer, context)}`));
        break;
      case "proxied":
        add(
          plain(
            subject,
            true,
            "",
            `a proxy takes the connection, and makes one to ${step.target}: ${tupleText(step.made, context)}${
              step.forwardedFor === undefined ? "" : `, ${forwardedForText(step.forwardedFor, context)}`
            }${step.tellsClient ? ", and tells the client by the PROXY protocol" : ""}`,
          ),
        );
        break;
      default:
        unreachable(step);
    }
  }
  const isWrapped = hop.steps.some(({ kind }) => kind === "encapsulated");
  const isSentChanged = !isWrapped && hop.steps.some(({ kind }) => kind === "translated");
  const isBridgedOut = hop.steps.some((step) => step.kind === "bridged" && step.port !== undefined);
  if (isSentChanged && !isBridgedOut && hop.outInterface !== undefined)
    add(plain({ kind: "sent" }, true, hop.outInterface, `out as ${tupleText(hop.after, context)}`));
  return drafts;
}

type Bridged = Extract<WalkStep, { readonly kind: "bridged" }>;

function bridgedText({ bridge, inPort, port }: Bridged): string {
  if (inPort === undefined) return `bridge ${bridge} sends it out`;
  return inPort === port
    ? `bridge ${bridge} sends it back by the port that it came in by (hairpin), not routed`
    : `bridge ${bridge} sends it out, not routed`;
}

/** The outer packet of a tunnel. The source port of VXLAN is a hash of the packet inside. */
function tunnelText(
  { source, destination, destinationPort }: WalkTranslation["to"],
  { names }: TellingContext,
): string {
  const to = `${printAddress(source)} > ${names.print(destination, destinationPort)}`;
  return destinationPort === 0 ? `an IPIP packet ${to}` : `a VXLAN packet ${to}`;
}

// --- rules -----------------------------------------------------------------------------------------------------------------

function isRefused(end: WalkEnd | undefined): boolean {
  return end?.kind === "dropped" || end?.kind === "rejected";
}

/** Jumps are told that name a Service; those that led to a decision about masquerading say less than that. */
function isTold(
  { view }: WalkShownStep,
  shown: readonly WalkShownStep[],
  hop: Hop,
  end: WalkEnd | undefined,
  { isVerbose }: TellingContext,
): boolean {
  if (view.kind === "nat") return false;
  if (isVerbose || isRefused(end)) return true;
  // How the rules of session affinity number endpoints.
  if (view.kind === "write" && shown.some((each) => each.view.kind === "affinity")) return false;
  if (view.kind === "jump")
    return view.hook !== "postrouting" && view.element !== undefined && view.place !== undefined;
  // Nobody wonders why a packet is not masqueraded that is not translated at all.
  return view.hook !== "postrouting" || hop.before.destination !== hop.after.destination;
}

function ruleText({ view, isToldByWords }: WalkShownStep): string {
  const { chain, kind, rule, element, words } = view;
  const [said] = words;
  if (isToldByWords && said !== undefined) return said;
  if (kind === "policy") return `${chain}: ${rule}`;
  return `${chain}: ${cut(kind === "jump" ? (element ?? rule) : rule)}`;
}

function ruleWords({ kind, words, element }: StepView): readonly string[] {
  return kind === "verdict" && element !== undefined ? [element, ...words] : words;
}

const LONGEST = 160;

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)} …`;
}

function translationRow(
  step: WalkTranslation,
  before: WalkStep | undefined,
  at: string,
  told: readonly WalkShownStep[],
  context: TellingContext,
): Draft {
  const change = changeText(step, context);
  const subject: RowSubject = { kind: "step", step };
  if (step.by === "connection") return plain(subject, true, at, `conntrack: ${change}`);
  const own = told.filter(
    ({ shown, view }) => view.kind === "nat" && before?.kind === "rules" && before.path.includes(shown.step),
  );
  const last = own.at(-1);
  if (last === undefined) return plain(subject, true, at, change);
  const { view, shown } = last;
  const verb = verbOf(shown.step, step);
  return {
    ...plain(subject, true, at, `${view.chain}: ${verb ?? "nat"} ${change}`),
    place: placeOfView(view),
    why: [view.rule],
    verb,
  };
}

/** The statement of a rule that translated what `step` changed. */
function verbOf(rule: PathStep, step: WalkTranslation): Step["kind"] | undefined {
  if (rule.kind !== "rule") return undefined;
  const end = changesDestination(step) ? "destination" : "source";
  return rule.rule.steps.find((statement) => translatedBy(statement) === end)?.kind;
}

/** Whether it changes the destination; else it changes the source. */
export function changesDestination({ from, to }: WalkTranslation): boolean {
  return from.destination !== to.destination || from.destinationPort !== to.destinationPort;
}

/** `10.96.0.20:80 => 10.244.1.20:8081 (pod/shop/api-1)`, of each end that is changed. */
export function changeText({ from, to, choices }: WalkTranslation, { names, protocol }: TellingContext): string {
  const parts: string[] = [];
  if (from.destination !== to.destination || from.destinationPort !== to.destinationPort)
    parts.push(
      `${names.print(from.destination, from.destinationPort)} => ${names.printNamed(to.destination, to.destinationPort, protocol)}`,
    );
  if (from.source !== to.source || from.sourcePort !== to.sourcePort)
    parts.push(
      `${names.print(from.source, from.sourcePort)} => ${names.printNamed(to.source, to.sourcePort, protocol)}`,
    );
  return `${parts.join(", ")}${choices.length === 0 ? "" : `, ${choices.map(choiceText).join(", ")}`}`;
}

/** `a port of 1024-65535` is the first of them in the packet that is told. */
function choiceText({ of, text }: SourceChoice): string {
  return of === "port" ? "or another port" : `or another: ${text}`;
}

function placeOfView({ place }: StepView): string | undefined {
  return place && printPlaceView(place);
}

// --- routes ----------------------------------------------------------------------------------------------------------------

type Routed = Extract<WalkStep, { readonly kind: "routed" }>;

/** `route default via 10.244.1.1 dev eth0, which node/node-1 answers for`. */
function routeText({ route, hop }: Routed, later: readonly WalkStep[]): string {
  const prefix = route.prefix.length === 0 ? "default" : printPrefix(route.prefix);
  const via = hop.gateway === undefined ? "" : ` via ${printAddress(hop.gateway)}`;
  // Behind rules that change the destination, the host looks for a route again.
  const next = later.findIndex((step) => step.kind === "routed");
  const asked = later.slice(0, next < 0 ? undefined : next).find((step) => step.kind === "neighbour");
  const choice = route.hops.length > 1 ? `, one of ${route.hops.length} next hops` : "";
  const answer = asked?.kind === "neighbour" ? answerText(asked, hop.gateway) : "";
  return `route ${prefix}${via} dev ${hop.interface}${answer}${choice}`;
}

function answerText(
  { asks, answeredBy, isProxy }: Extract<WalkStep, { readonly kind: "neighbour" }>,
  gateway: Address | undefined,
): string {
  const who = `${answeredBy.host} ${answeredBy.interface}`;
  if (isProxy) return `; ${who} answers for ${printAddress(asks)} (proxy ARP)`;
  return gateway === undefined ? `; ${printAddress(asks)} is ${who}` : ` (${who})`;
}

function placeOfProvenance(provenance: Provenance | undefined): Pick<WalkRow, "place" | "isInferred"> {
  const { origin, inferred: why } = provenance ?? {};
  return { place: origin && printPlaceView(placeAt(origin)), isInferred: why !== undefined };
}

function inferred(provenance: Provenance | undefined): string[] {
  return provenance?.inferred === undefined ? [] : [`inferred: ${provenance.inferred}`];
}
