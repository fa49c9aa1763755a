/** Reading rules in tests. */
import { type Diagnostic, lineAndColumn } from "../../compiler/diagnostics.ts";
import { readIptables } from "../../compiler/formats/iptables/read.ts";
import { readNft } from "../../compiler/formats/nft/read.ts";
import type { Program } from "../../compiler/ir/types.ts";

export interface RulesReading {
  readonly program: Program;
  /** `line:column severity code message`. */
  readonly findings: readonly string[];
}

export function readIptablesText(text: string, family?: "ip" | "ip6"): RulesReading {
  const diagnostics: Diagnostic[] = [];
  const program = readIptables(
    { name: "dump", text },
    (diagnostic) => diagnostics.push(diagnostic),
    family === undefined ? {} : { family },
  );
  return { program, findings: diagnostics.map(printFinding) };
}

/** The program in `text`; throws at a finding. */
export function mustReadIptables(text: string, family?: "ip" | "ip6"): Program {
  const { program, findings } = readIptablesText(text, family);
  if (findings.length > 0) throw new Error(findings.join("\n"));
  return program;
}

export function readNftText(text: string): RulesReading {
  const diagnostics: Diagnostic[] = [];
  const program = readNft({ name: "dump", text }, (diagnostic) => diagnostics.push(diagnostic));
  return { program, findings: diagnostics.map(printFinding) };
}

/** The program in `text`; throws at a finding. */
export function mustReadNft(text: string): Program {
  const { program, findings } = readNftText(text);
  if (findings.length > 0) throw new Error(findings.join("\n"));
  return program;
}

/** A table whose one base chain, of the hook forward, has `rules`; `declared`: other chains, sets and the like before it. */
export function forwardNft(rules: readonly string[], declared = ""): Program {
  return mustReadNft(`table ip t {
  ${declared}
  chain c {
    type filter hook forward priority 0; policy accept;
    ${rules.join("\n    ")}
  }
}
`);
}

/** Rules of the chain FORWARD. */
export function forwardIptables(...rules: readonly string[]): Program {
  return mustReadIptables(["*filter", ...rules.map((rule) => `-A FORWARD ${rule}`), "COMMIT", ""].join("\n"), "ip");
}

function printFinding({ severity, code, message, origin }: Diagnostic): string {
  const place = origin === undefined ? undefined : lineAndColumn(origin.span());
  return `${place?.line}:${place?.column} ${severity} ${code} ${message}`;
}
