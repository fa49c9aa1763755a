/** Whether two rulesets do the same to all packets, and whether a host does what manifests say. */

import { checkOptions, type OptionKind, sourcesIn } from "../arguments.ts";
import { opinionOf } from "../compare/answer.ts";
import { type CompareOptions, compare as comparePrograms } from "../compare/compare.ts";
import { compile } from "../compile.ts";
import type { Diagnostic, Source } from "../diagnostics.ts";
import { type DiagnosticData, diagnosticToJson } from "../documents/render.ts";
import { FAMILIES } from "../net/address.ts";
import type { Mode } from "../node/settings.ts";
import { podDetectionOf } from "../verify/pod-detection.ts";
import { serviceRulesOf } from "../verify/service-rules.ts";
import { endpointNamesIn } from "../verify/services/endpoint-names.ts";
import { type AnswerView, answerData, answerText, answerTo, type ComparedQuestion } from "./answers.ts";
import { type ComparedSide, type CompareWith, differenceOf } from "./difference.ts";
import { isDoubtful } from "./doubtful.ts";
import { contentOf, type Rules } from "./rules.ts";
import { type NodeSettings, settingsIn } from "./settings.ts";
import { leftOutIn } from "./unread.ts";
import { readHost, refusalOf, verificationOf } from "./verification.ts";

/** How far a comparison goes. */
export interface ComparisonOptions {
  /** The family that is compared; both unless given. */
  readonly family?: "IPv4" | "IPv6";
  /** Steps of evaluation after which the comparison stops. */
  readonly budget?: number;
  /** Is asked again and again: a reason to stop now, if there is one. */
  readonly giveUp?: () => string | undefined;
  /** The most rows, examples and entries of lists that are shown. */
  readonly limit?: number;
}

/** `equal` only where all packets were compared and all rules were read; else `no difference found`. */
export type ComparisonVerdict = "equal" | "different" | "no difference found";

/** What a comparison found. */
export interface ComparisonResult {
  readonly verdict: ComparisonVerdict;
  /** Classes of packets that the two sides treat differently. */
  readonly differing: number;
  /** What the answer rests on: a sentence each. */
  readonly assumptions: readonly string[];
  /** What was not compared: a sentence each. */
  readonly notCompared: readonly string[];
  /** The report as `kpc diff` and `kpc verify` print it. */
  readonly text: string;
  /** The members of their JSON output, as docs/json.md describes them. */
  readonly data: Readonly<Record<string, unknown>>;
}

const LIMITS = {
  family: ["IPv4", "IPv6"],
  budget: "count",
  giveUp: "function",
  limit: "count",
} as const satisfies Readonly<Record<keyof ComparisonOptions, OptionKind>>;

/** Compares two rulesets over all packets. Throws `TypeError` for wrong arguments. */
export function compare(left: Rules, right: Rules, options: ComparisonOptions = {}): ComparisonResult {
  const sides = [sideOf(left, "left"), sideOf(right, "right")] as const;
  checkOptions(options, LIMITS);
  const families = options.family === undefined ? FAMILIES : [options.family];
  const { question, shown } = differenceOf(
    ...sides,
    families,
    limitsOf(options),
    compareWith(
      options,
      sides.flatMap((side) => side.diagnosed),
    ),
  );
  return resultOf(question, shown, options);
}

function sideOf(rules: Rules, name: "left" | "right"): ComparedSide {
  const { program, known, findings, sources } = contentOf(rules, name);
  return {
    name,
    program,
    addresses: known.node.addresses,
    diagnosed: findings,
    given: leftOutIn(findings),
    pods: endpointNamesIn(known.specs),
    isRules: sources !== undefined,
  };
}

export interface VerifyOptions extends ComparisonOptions {
  /** Settings of the node. What they leave out is taken from the host's rules. */
  readonly settings?: NodeSettings | Source;
  /** The mode to compare with; that of the host's rules unless given. */
  readonly mode?: Mode;
  /** A network plugin's translation of sources makes the host different. Default: false. */
  readonly strictSource?: boolean;
}

/** What was found in manifests and rules, and the answer; undefined where there is none, and `diagnostics` or `refusal` say why. */
export interface VerifiedRules {
  readonly diagnostics: readonly DiagnosticData[];
  /** Why these rules cannot be verified: a sentence. */
  readonly refusal?: string;
  readonly result: ComparisonResult | undefined;
  /** What is good to know: a sentence each. */
  readonly notes: readonly string[];
}

const VERIFY_OPTIONS = {
  ...LIMITS,
  settings: "any",
  mode: ["nftables", "iptables"],
  strictSource: "boolean",
} as const satisfies Readonly<Record<keyof VerifyOptions, OptionKind>>;

/** Whether the rules of a host (texts as for `readRules`) do to Service traffic what `manifests` say. Throws `TypeError` for wrong
 *  arguments. */
export async function verify(
  manifests: Iterable<Source>,
  texts: Iterable<Source>,
  options: VerifyOptions = {},
): Promise<VerifiedRules> {
  const objects = [...sourcesIn(manifests, "manifests")];
  const listings = [...sourcesIn(texts, "texts")];
  checkOptions(options, VERIFY_OPTIONS);
  const early: Diagnostic[] = [];
  const config = settingsIn(options.settings, (diagnostic) => early.push(diagnostic));
  const diagnosed: Diagnostic[] = [];
  const against = listings.map(({ name }) => name).join(",");
  const host = await readHost(listings, (diagnostic) => diagnosed.push(diagnostic));
  const rules = serviceRulesOf(host.program, host.restored, { strictSource: options.strictSource ?? false });
  const refusal = refusalOf(host, rules, against);
  if (refusal !== undefined)
    return { diagnostics: [...early, ...diagnosed].map(diagnosticToJson), refusal, result: undefined, notes: [] };
  const detected: string[] = [];
  const mode = options.mode ?? rules.mode ?? config.mode;
  const { diagnostics, compiled } = compile(
    objects,
    { ...config, mode },
    {
      complete: false, // a host is not compared with addresses that kpc has chosen
      detection: (specs) => {
        const { config: own, note } = podDetectionOf(rules, specs);
        detected.push(note);
        return own;
      },
    },
  );
  const all = [...early, ...diagnosed, ...diagnostics].map(diagnosticToJson);
  if (compiled === undefined || early.some(({ severity }) => severity === "error"))
    return { diagnostics: all, result: undefined, notes: [] };
  const { family, mode: asked } = options;
  const verification = verificationOf(
    { host, rules, compiled, detected, diagnosed },
    { family: family === undefined ? undefined : [family], mode: asked, against, limits: limitsOf(options) },
  );
  const { question, shown, notes } = verification.run(compareWith(options, diagnosed));
  return { diagnostics: all, result: resultOf(question, shown, options), notes: [...verification.notes, ...notes] };
}

function compareWith({ budget, giveUp }: ComparisonOptions, diagnosed: readonly Diagnostic[]): CompareWith {
  const limits: Pick<CompareOptions, "budget" | "giveUp" | "keep"> = {
    ...(budget === undefined ? {} : { budget }),
    ...(giveUp === undefined ? {} : { giveUp }),
    ...(isDoubtful(diagnosed) ? { keep: Number.POSITIVE_INFINITY } : {}),
  };
  return (left, right, about) => comparePrograms(left, right, { ...limits, ...about });
}

function limitsOf({ limit = 20 }: ComparisonOptions) {
  return { rows: limit, examples: limit, data: limit };
}

function resultOf(question: ComparedQuestion, shown: AnswerView, options: ComparisonOptions): ComparisonResult {
  const answer = answerTo(question);
  const data = answerData(question, answer, shown, limitsOf(options).data);
  return {
    verdict: opinionOf(answer),
    differing: answer.differing,
    assumptions: answer.given,
    notCompared: [...answer.gaps, ...answer.open.map(({ reason }) => reason)],
    text: answerText(question, answer, shown),
    data,
  };
}
