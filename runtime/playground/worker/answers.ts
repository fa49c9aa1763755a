/** The answer of each view. A workspace gives the same answer each time; what is remembered of an earlier one makes it faster. */
import { compileSpecs } from "../../../compiler/compile.ts";
import { describeNetwork } from "../../../compiler/described.ts";
import { type DiagnosticData, diagnosticToJson } from "../../../compiler/documents/render.ts";
import { findClusterFaults } from "../../../compiler/findings/cluster-findings.ts";
import { compare, matrix, type NodeSettings, verify } from "../../../compiler/index.ts";
import { unreachable } from "../../../compiler/invariant.ts";
import { rulesOfCompiled } from "../../../compiler/library/compile.ts";
import { printTable } from "../../../compiler/print.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";
import type {
  CheckAnswer,
  ClassifierAnswer,
  DiffAnswer,
  InputFile,
  MatrixViewAnswer,
  RulesAnswer,
  VerifyAnswer,
  ViewAnswer,
  ViewName,
  Workspace,
} from "../protocol.ts";
import { agreement } from "./agreement.ts";
import { type Contents, contentsOf, WorkspaceMemory } from "./contents.ts";
import { programTexts } from "./program-lines.ts";
import { reportOf } from "./report.ts";
import { walkAnswer } from "./walk.ts";

export async function answerFor(
  view: ViewName,
  workspace: Workspace,
  memory = new WorkspaceMemory(),
): Promise<ViewAnswer> {
  switch (view) {
    case "walk":
      return walkAnswer(workspace, memory, true);
    case "rules":
      return rulesAnswer(workspace, memory);
    case "matrix":
      return matrixAnswer(workspace, memory);
    case "check":
      return checkAnswer(workspace, memory);
    case "verify":
      return verifyAnswer(workspace, memory);
    case "diff":
      return diffAnswer(workspace, memory);
    case "classifier":
      return classifierAnswer(workspace, memory);
    default:
      return unreachable(view);
  }
}

/** The node that the page shows: the one that was chosen, or the first. */
function nodeOf(nodes: readonly string[], chosen: string): string | undefined {
  return nodes.includes(chosen) ? chosen : nodes[0];
}

/** Settings that also name the node, where they name none themselves. */
function settingsFor(settings: InputFile | undefined, node: string | undefined): NodeSettings | InputFile {
  if (settings === undefined) return node === undefined ? {} : { nodeName: node };
  const member = /^kind: *["']?KubeProxyConfiguration/m.test(settings.text) ? "hostnameOverride" : "nodeName";
  const isNamed = new RegExp(`^${member}:`, "m").test(settings.text);
  if (node === undefined || isNamed) return settings;
  return { name: settings.name, text: `${settings.text.trimEnd()}\n${member}: ${JSON.stringify(node)}\n` };
}

/** Rules for the node that the page shows: the one that was chosen, or the first. Of a node alone less can be wrong than of all. */
function compiledFor({ manifests, config, early, memory, base: { nodes } }: Contents, chosen: string) {
  const nodeName = nodes.includes(chosen) ? chosen : (config.nodeName ?? nodeOf(nodes, chosen));
  const { compiled, diagnostics } = compileSpecs(
    (report) => loadSpecs(manifests, report, memory),
    nodeName === undefined ? config : { ...config, nodeName },
  );
  return { compiled, base: { diagnostics: [...early, ...diagnostics].map(diagnosticToJson), nodes } };
}

function rulesAnswer({ files, mode, node }: Workspace, memory: WorkspaceMemory): RulesAnswer {
  const { compiled, base } = compiledFor(contentsOf(files, mode, memory.files), node);
  return { view: "rules", ...base, texts: compiled === undefined ? [] : programTexts(compiled.program) };
}

function matrixAnswer({ files, mode }: Workspace, memory: WorkspaceMemory): MatrixViewAnswer {
  const { manifests, settings, base, resolved } = contentsOf(files, mode, memory.files);
  const found = resolved && matrix(manifests, settings === undefined ? {} : { settings });
  return { view: "matrix", ...base, matrix: found?.result };
}

function checkAnswer({ files, mode }: Workspace, memory: WorkspaceMemory): CheckAnswer {
  const { resolved, base } = contentsOf(files, mode, memory.files);
  const isWhole = resolved !== undefined && resolved.specs.nodes.length > 0;
  const findings: readonly DiagnosticData[] = isWhole
    ? findClusterFaults(describeNetwork(resolved)).findings.map(diagnosticToJson)
    : [];
  return { view: "check", ...base, findings };
}

async function verifyAnswer({ files, mode, node }: Workspace, memory: WorkspaceMemory): Promise<VerifyAnswer> {
  const { manifests, rules, settings, base } = contentsOf(files, mode, memory.files);
  const dumps = rules.map(({ name }) => name);
  if (rules.length === 0) return { view: "verify", ...base, dumps };
  const { result, refusal } = await verify(manifests, rules, {
    settings: settingsFor(settings, nodeOf(base.nodes, node)),
  });
  return {
    view: "verify",
    ...base,
    dumps,
    ...(refusal === undefined ? {} : { refusal }),
    ...(result === undefined ? {} : { report: reportOf(result) }),
  };
}

function diffAnswer({ files, before, mode, node }: Workspace, memory: WorkspaceMemory): DiffAnswer {
  const left = compiledFor(contentsOf(before, mode, memory.before), node).compiled;
  const { compiled: right, base } = compiledFor(contentsOf(files, mode, memory.files), node);
  if (left === undefined || right === undefined) return { view: "diff", ...base };
  return { view: "diff", ...base, report: reportOf(compare(rulesOfCompiled(left), rulesOfCompiled(right))) };
}

function classifierAnswer({ files, mode, node }: Workspace, memory: WorkspaceMemory): ClassifierAnswer {
  const { compiled, base } = compiledFor(contentsOf(files, mode, memory.files), node);
  const nothing = {
    view: "classifier",
    ...base,
    table: undefined,
    slots: new Uint8Array(),
    agreeing: 0,
    compared: 0,
  } as const;
  if (compiled === undefined) return { ...nothing, unsupported: [] };
  const { table, unsupported } = printTable(compiled.program, compiled.node.addresses);
  if (table === undefined) return { ...nothing, unsupported: unsupported.map(diagnosticToJson) };
  return { ...nothing, table, unsupported: [], ...agreement(compiled, table) };
}
