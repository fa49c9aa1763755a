/** Rules of listeners as lines of a frontend: which backend a list of them leads to. */
import type { Report } from "../../diagnostics.ts";
import { unreachable } from "../../invariant.ts";
import type { PathRules } from "../../ir/path-rules.ts";
import type { RequestRule, RequestTarget, RouteFilter } from "../../ir/routes.ts";
import type { Backends, BackendTarget } from "./backends.ts";
import { Tests } from "./conditions.ts";
import { filterLines, redirectLines } from "./filters.ts";
import { shortHash } from "./hashes.ts";

/** Before the name of a list, where the name of a backend can stand. */
export const LIST = "rules-";

/** The lists of one frontend. */
export class RuleLines {
  private readonly backends: Backends;
  private readonly report: Report;
  private readonly tests = new Tests();
  /** By the name of the list: what stands between its name and its end. */
  private readonly lists = new Map<string, readonly Choice[]>();
  private readonly choices = new Map<RequestRule, readonly Choice[]>();

  constructor(backends: Backends, report: Report) {
    this.backends = backends;
    this.report = report;
  }

  /** What stands in a map for requests that meet `list`: a backend, or the name of a list. */
  valueFor({ rules }: PathRules): string {
    const choices = rules.flatMap((rule) => this.choicesOf(rule));
    const [first] = choices;
    // What no choice takes goes to the default backend of the frontend.
    if (first === undefined) return this.backends.for(NO_RULE);
    if (first.words.length === 0) return first.backend;
    const name = `${LIST}${shortHash(choices.map(({ words, backend }) => [...words, backend].join(" ")).join("\n"))}`;
    this.lists.set(name, choices);
    return name;
  }

  /** The lines that choose: tests, then backends for each list. */
  print(): readonly string[] {
    const lines = [...this.lists]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, choices]) =>
        choices.map(({ words, backend }) =>
          [`use_backend ${backend} if { var(txn.backend) -m str ${name} }`, ...words].join(" "),
        ),
      );
    return [...this.tests.print(), ...lines];
  }

  private choicesOf(rule: RequestRule): readonly Choice[] {
    const known = this.choices.get(rule) ?? this.makeChoices(rule);
    this.choices.set(rule, known);
    return known;
  }

  private makeChoices(rule: RequestRule): readonly Choice[] {
    const { conditions, origin } = rule;
    const words = conditions === undefined ? [] : this.tests.of(conditions);
    if (words === undefined) {
      const message = `a rule for ${rule.path} is not served: HAProxy cannot be asked for one of its conditions`;
      this.report({ severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) });
      return [];
    }
    return this.ends(rule).map((end) => ({ words: [...words, ...end.words], backend: end.backend }));
  }

  /** The backends for a rule: of shares each but the last one takes a part of what the ones before have left. */
  private ends(rule: RequestRule): readonly Choice[] {
    const { target, filters = [] } = rule;
    if (target.kind !== "shares") return [{ words: [], backend: this.backendFor(rule, target, filters) }];
    let left = target.shares.reduce((sum, { weight }) => sum + weight, 0);
    return target.shares.map((share, i): Choice => {
      const backend = this.backendFor(rule, share.target, [...filters, ...(share.filters ?? [])]);
      const words = i === target.shares.length - 1 ? [] : [`{ rand(${left}) lt ${share.weight} }`];
      left -= share.weight;
      return { words, backend };
    });
  }

  private backendFor(
    rule: RequestRule,
    target: Exclude<RequestTarget, { readonly kind: "shares" }>,
    filters: readonly RouteFilter[],
  ): string {
    switch (target.kind) {
      case "status":
        return this.backends.for(target);
      case "redirect": {
        const lines = redirectLines(target, rule);
        return lines === undefined ? this.refused(rule) : this.backends.answering("redirect", lines);
      }
      case "endpoints": {
        const lines = filterLines(filters, rule.path);
        return lines === undefined ? this.refused(rule) : this.backends.for(target, lines);
      }
      default:
        return unreachable(target);
    }
  }

  /** A rule that cannot be followed is not followed in part. */
  private refused({ path, origin }: RequestRule): string {
    const message = `a rule for ${path} is answered with 500: HAProxy cannot write one of the values of its filters`;
    this.report({ severity: "warning", code: "unsupported-haproxy", message, ...(origin && { origin }) });
    return this.backends.for({ kind: "status", status: 500, reason: message });
  }
}

/** A backend, and words behind `if` for those that get it; none: all others. */
interface Choice {
  readonly words: readonly string[];
  readonly backend: string;
}

/** What answers requests that no rule takes. */
export const NO_RULE: BackendTarget = { kind: "status", status: 404, reason: "no rule takes the request" };
