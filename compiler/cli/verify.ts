import { renderRegion } from "../compare/render.ts";
import type { Diagnostic } from "../diagnostics.ts";
import type { Family } from "../net/address.ts";
import { tabulate } from "../tabulate/tabulate.ts";
import { type Finding, findingsOf, namesOf } from "../verify/findings.ts";
import { serviceRulesOf } from "../verify/service-rules.ts";
import { type CompareFlags, compareAndTell, readDeclarations } from "./except.ts";
import { readRules, sourcesOf } from "./rules-file.ts";
import { compileInputs, EXIT, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface VerifyFlags extends CompareFlags {
  readonly against: string;
}

/** `kpc verify`: whether a host's rules do to Service traffic what the manifests say. */
export async function verifyCommand(names: readonly string[], flags: VerifyFlags): Promise<number> {
  const declarations = readDeclarations(flags);
  if (declarations === undefined) return EXIT.trouble;
  const findings: Diagnostic[] = [];
  const host = await readRules(sourcesOf(flags.against), (diagnostic) => findings.push(diagnostic));
  showFirst(findings, flags);
  const { program, mode, withoutJumps, foreign } = serviceRulesOf(host);
  if (program.ruleset.tables.length === 0)
    throw new Trouble(
      `no rules about Services in ${flags.against}: expected table kube-proxy or kpc, or chains KUBE-… or KPC-…`,
    );
  const { diagnostics, compiled } = compileInputs(names, mode === undefined ? flags : { mode, ...flags });
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return EXIT.trouble;
  note(
    foreign.map((each) => `set aside, not about Services: ${each}`),
    flags,
  );
  if (withoutJumps) note(["no jumps to KUBE-… chains: took those that kube-proxy makes for given"], flags);
  const families = familiesOf(program.ruleset.tables.map(({ family }) => family));
  const { addresses } = compiled.node;
  const sides = { left: "manifests", right: "this host" };
  const task = { programs: [compiled.program, program], addresses, families, sides } as const;
  return compareAndTell(task, declarations, flags, (regions) => {
    const tabulated = tabulate(compiled.program, addresses);
    const found = findingsOf(regions, namesOf("tabulation" in tabulated ? tabulated.tabulation : undefined));
    const shown = found.slice(0, flags.limit).map((finding) => renderFinding(finding, sides));
    const more = found.length - shown.length;
    return more > 0 ? [...shown, `… and ${more} more findings (--limit ${found.length} shows them)\n`] : shown;
  });
}

function renderFinding(
  { subject, statement, region, regions }: Finding,
  sides: { left: string; right: string },
): string {
  const others = regions > 1 ? ` (${regions} classes of packets; one of them)` : "";
  return [`${subject}: ${statement}${others}`, ...renderRegion(region, sides).map((line) => `  ${line}`), ""].join(
    "\n",
  );
}

function note(lines: readonly string[], flags: VerifyFlags): void {
  if (!flags.quiet) for (const line of lines) process.stderr.write(`note: ${line}\n`);
}

function familiesOf(tables: readonly string[]): Family[] {
  if (tables.includes("inet")) return ["IPv4", "IPv6"];
  return [
    ...(tables.includes("ip") ? (["IPv4"] as const) : []),
    ...(tables.includes("ip6") ? (["IPv6"] as const) : []),
  ];
}
