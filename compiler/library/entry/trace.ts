/** `kpc/trace`: what happens to single packets. The functions and types of `kpc` that concern them. */
export type { Assumed, DiagnosticCode, Severity } from "../../diagnostics.ts";
export type { DiagnosticData, DiagnosticFix, DiagnosticNote, PlaceData } from "../../documents/render.ts";
export type { AssumptionData, EndpointData, OutcomeData, PacketData, StepData, TraceData } from "../../trace/json.ts";
export type { PeerNames } from "../../trace/names.ts";
export type { StepMembers } from "../../trace/view.ts";
export type { Rules } from "../rules.ts";
export { type Evaluated, evaluate, type Traced, trace } from "../trace.ts";
