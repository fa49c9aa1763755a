/** kpc as a library: `import { … } from "kpc"`. Nothing here reads files, starts
 *  processes or needs Node.js. Texts come in as `{name, text}`; places in diagnostics are `{file, line, column}`, of these names. */
export type { Assumed, DiagnosticCode, Severity, Source } from "./diagnostics.ts";
export type { DiagnosticData, DiagnosticFix, DiagnosticNote, PlaceData } from "./documents/render.ts";
export {
  type ComparisonOptions,
  type ComparisonResult,
  type ComparisonVerdict,
  compare,
  type VerifiedRules,
  type VerifyOptions,
  verify,
} from "./library/compare.ts";
export {
  type CompiledNodes,
  type CompiledRules,
  type CompileManifestsOptions,
  compile,
  compileAll,
  type FoundRules,
  type ReadRulesOptions,
  readRules,
} from "./library/compile.ts";
export type { ObjectEvent, SourceChange } from "./library/follow/changes.ts";
export {
  type FollowedTable,
  type FollowTableOptions,
  followTable,
  type TableUpdate,
} from "./library/follow/follow.ts";
export { type MatrixAnswer, type MatrixChangesAnswer, matrix, matrixChanges } from "./library/matrix.ts";
export {
  type BinaryFormat,
  type BytesOutput,
  print,
  printBytes,
  type TextFormat,
  type TextOutput,
} from "./library/print.ts";
export type { Rules } from "./library/rules.ts";
export type { NodeSettings } from "./library/settings.ts";
export { type Evaluated, evaluate, type Traced, trace } from "./library/trace.ts";
export { type TraceClusterOptions, type TracedCluster, traceCluster } from "./library/trace-cluster.ts";
export type {
  MatrixChangeData,
  MatrixChangesData,
  MatrixData,
  MatrixOutcomeData,
  MatrixRowData,
  MatrixTargetData,
} from "./matrix/json.ts";
export type { MatrixEntry } from "./matrix/types.ts";
export type { DetectLocalMode } from "./node/config.ts";
export type { Mode } from "./node/settings.ts";
export type { HaproxySettings, PathSafety, ProxyTimeouts, TimeoutName } from "./proxy-settings.ts";
export type { RequestData } from "./trace/http/request-told.ts";
export type { AssumptionData, EndpointData, OutcomeData, PacketData, StepData, TraceData } from "./trace/json.ts";
export type { PeerNames } from "./trace/names.ts";
export type { StepMembers } from "./trace/view.ts";
export type {
  TupleData,
  WalkAssumedData,
  WalkBranchData,
  WalkData,
  WalkEndData,
  WalkFlowData,
  WalkHopData,
  WalkLegData,
  WalkNoticeData,
  WalkStepData,
  WalkToldData,
} from "./trace/walk/json.ts";
export { VERSION } from "./version.ts";
