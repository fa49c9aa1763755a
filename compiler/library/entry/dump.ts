/** `kpc/dump`: reads the rules of a host. The function and types of `kpc` that concern it. */
export type { Assumed, DiagnosticCode, Severity, Source } from "../../diagnostics.ts";
export type { DiagnosticData, DiagnosticFix, DiagnosticNote, PlaceData } from "../../documents/render.ts";
export type { DetectLocalMode } from "../../node/config.ts";
export type { Mode } from "../../node/settings.ts";
export type { HaproxySettings, PathSafety, ProxyTimeouts, TimeoutName } from "../../proxy-settings.ts";
export { type FoundRules, type ReadRulesOptions, readRules } from "../compile.ts";
export type { Rules } from "../rules.ts";
export type { NodeSettings } from "../settings.ts";
