/** What happens to single packets, and by which rules. */

import { checkText } from "../arguments.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { Evaluator, knownOutcomes } from "../evaluate/evaluate.ts";
import { assuming } from "../evaluate/outcome.ts";
import { environmentOf, hostOf, type Outcome } from "../evaluate/packet.ts";
import { withGivenJumps } from "../formats/read-rules.ts";
import { type TraceData, traceToData } from "../trace/json.ts";
import { AddressNames } from "../trace/names.ts";
import { parsePacket } from "../trace/parse.ts";
import { renderTrace, type TraceSubject } from "../trace/render.ts";
import { type ResolvedPacket, resolvePacket } from "../trace/resolve.ts";
import { contentOf, type Rules, type RulesContent } from "./rules.ts";
import { assumptionsAbout, unreadIn } from "./unread.ts";

/** What was found about the packet, and what happens to it; undefined where kpc does not understand the packet. */
export interface Evaluated {
  readonly diagnostics: readonly DiagnosticData[];
  readonly result: TraceData | undefined;
  /** Why there may be more outcomes than those in `result`; a sentence. */
  readonly incomplete?: string;
}

/** What was found about the packet, what happens to it, and the trace as `kpc trace` prints it. */
export interface Traced extends Evaluated {
  readonly text: string | undefined;
}

/** What happens to the first packet of a connection on the node of `rules`. `packet` is written as for `kpc trace`:
 *  `tcp 10.244.1.10:40000 > 10.96.0.20:80 iif eth0`, or with names: `tcp pod/shop/web-1 > svc/shop/api:http`. Throws `TypeError`
 *  for wrong arguments. */
export function evaluate(rules: Rules, packet: string): Evaluated {
  const { text: _, ...evaluated } = follow(rules, packet, false);
  return evaluated;
}

/** As `evaluate`, and the trace as people read it. Throws `TypeError` for wrong arguments. */
export function trace(rules: Rules, packet: string): Traced {
  return follow(rules, packet, true);
}

function follow(rules: Rules, packet: string, isShown: boolean): Traced {
  const content = contentOf(rules);
  checkText(packet, "packet");
  const found: Diagnostic[] = [];
  const report: Report = (diagnostic) => void found.push(diagnostic);
  const written = parsePacket({ name: "packet", text: packet }, report);
  const resolved = written && resolvePacket(written, content.known, report);
  if (resolved === undefined) return { diagnostics: found.map(diagnosticToJson), result: undefined, text: undefined };
  const { outcomes, incomplete, findings } = outcomesOf(content, resolved);
  const subject = subjectOf(content);
  const text = isShown ? renderTrace(resolved, outcomes, subject) : undefined;
  return {
    diagnostics: unreadIn(findings).map(diagnosticToJson),
    result: traceToData(resolved, outcomes, subject),
    text: incomplete === undefined || text === undefined ? text : `${text}\n${incomplete}\n`,
    ...(incomplete === undefined ? {} : { incomplete }),
  };
}

/** Evaluators are kept: they have a program's objects by name. */
const evaluators = new WeakMap<
  RulesContent,
  { readonly evaluator: Evaluator; readonly findings: readonly Diagnostic[] }
>();

function evaluatorOf(content: RulesContent): {
  readonly evaluator: Evaluator;
  readonly findings: readonly Diagnostic[];
} {
  const known = evaluators.get(content);
  if (known !== undefined) return known;
  const findings = [...content.findings];
  const program =
    content.sources === undefined
      ? content.program
      : withGivenJumps(content.program, content.sources, (finding) => findings.push(finding));
  const made = { evaluator: new Evaluator(program), findings };
  evaluators.set(content, made);
  return made;
}

/** What happens to a packet by the rules of `content`, with what rests on rules that were not read; and all that was found about the
 *  rules. */
export function outcomesOf(
  content: RulesContent,
  { packet }: ResolvedPacket,
): {
  readonly outcomes: readonly Outcome[];
  readonly incomplete: string | undefined;
  readonly findings: readonly Diagnostic[];
} {
  const { evaluator, findings } = evaluatorOf(content);
  const { addresses } = content.known.node;
  const environment = content.sources === undefined ? environmentOf(addresses) : hostOf(addresses);
  const evaluation = evaluator.evaluate(packet, environment);
  const assumed = assumptionsAbout(findings);
  const outcomes = knownOutcomes(evaluation).map((outcome) => assuming(outcome, assumed));
  return { outcomes, incomplete: evaluation.incomplete, findings };
}

function subjectOf({ known: { specs, node, settings }, sources }: RulesContent): TraceSubject {
  const where =
    sources === undefined
      ? `${node.name === undefined ? "some node" : `node ${node.name}`}, ${settings.mode} mode`
      : `rules of ${sources.map(({ name }) => name).join(",")}`;
  return { where, rulesWereRead: sources !== undefined, names: new AddressNames(specs, node) };
}
