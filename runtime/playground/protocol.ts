/** What the page asks its worker, and what comes back. Everything is plain data: it is copied from the one to the other. */

import type { ComparisonVerdict, DiagnosticData, MatrixData } from "../../compiler/index.ts";
import type { ColourScheme } from "../../compiler/pictures/colours.ts";

/** A text that the user gave: manifests, settings, or the rules of a host. */
export interface InputFile {
  /** A path; no two of a workspace are equal. */
  readonly name: string;
  readonly text: string;
}

/** A file, or the index of one among the files that came last. */
export type SentFile = InputFile | number;

/** The files of both states of a workspace. */
export interface FileStates<File> {
  readonly files: readonly File[];
  readonly before: readonly File[];
}

export type RuleMode = "nftables" | "iptables";

export const VIEWS = ["walk", "rules", "matrix", "check", "verify", "diff", "classifier"] as const;

export type ViewName = (typeof VIEWS)[number];

/** Everything that answers depend on. */
export interface Workspace {
  readonly files: readonly InputFile[];
  /** The state that `diff` compares with. */
  readonly before: readonly InputFile[];
  /** A packet or an HTTP request, as `kpc trace` takes it. */
  readonly question: string;
  readonly mode: RuleMode;
  /** The branch of the walk that is told, from 1, in the walk's order; 0: the one that tells most. */
  readonly branch: number;
  /** Of the rules that are shown; empty: the first one. */
  readonly node: string;
}

export interface Ask {
  /** Answers carry it back. */
  readonly id: number;
  readonly view: ViewName;
  readonly workspace: Omit<Workspace, keyof FileStates<unknown>> & FileStates<SentFile>;
}

/** Asks how fast packets are classified, for about a second. */
export interface MeasureAsk {
  readonly id: number;
  readonly table: Uint8Array;
  readonly slots: Uint8Array;
}

/** `read`: the worker has read the files for the first time, and makes the answer. `failed`: kpc itself has an error, whose stack this is. */
export type Told =
  | { readonly id: number; readonly kind: "answer"; readonly answer: ViewAnswer; readonly milliseconds: number }
  | { readonly id: number; readonly kind: "read" }
  | { readonly id: number; readonly kind: "measured"; readonly millionsPerSecond: number }
  | { readonly id: number; readonly kind: "failed"; readonly stack: string };

/** What each view shows. `diagnostics` are those of the files. */
export type ViewAnswer =
  | WalkAnswer
  | RulesAnswer
  | MatrixViewAnswer
  | CheckAnswer
  | VerifyAnswer
  | DiffAnswer
  | ClassifierAnswer;

interface AnswerBase {
  readonly diagnostics: readonly DiagnosticData[];
  /** Of the manifests, by name. */
  readonly nodes: readonly string[];
}

/** The name that findings about the question have as their file. */
export const QUESTION = "packet";

export interface WalkAnswer extends AnswerBase {
  readonly view: "walk";
  /** What was found in the question, whose file is called `packet`. */
  readonly asked: readonly DiagnosticData[];
  readonly walk: WalkLines | undefined;
  /** Names that a question may have. */
  readonly names: readonly string[];
}

export interface WalkLines {
  /** From the end of the walk, in words. */
  readonly title: string;
  readonly isAnswered: boolean;
  readonly findings: readonly DiagnosticData[];
  /** All of them. */
  readonly branches: readonly BranchLine[];
  /** Of the branch that is told. */
  readonly steps: readonly StepLine[];
  /** The drawing, in the colours of each scheme. */
  readonly drawing: Readonly<Record<ColourScheme, string>>;
}

export interface BranchLine {
  /** `1 in 2`. */
  readonly chance: string;
  /** The last host that did something to the packet, or the pods on its way. */
  readonly end: string;
  readonly isTold: boolean;
  readonly isLost: boolean;
}

/** What has a number in the drawing. */
export interface StepLine {
  readonly number: number;
  readonly direction: "request" | "reply";
  /** `node-1 eth0`. */
  readonly where: string;
  readonly head: string;
  readonly isLost: boolean;
  /** As `kpc trace` tells it. */
  readonly lines: readonly { readonly text: string; readonly place?: LinePlace }[];
}

export interface RulesAnswer extends AnswerBase {
  readonly view: "rules";
  readonly texts: readonly RuleText[];
}

/** Rules in one language. There can be a million lines: an object for each of them takes the page seconds to receive. */
export interface RuleText {
  readonly language: "nft" | "iptables" | "ip6tables" | "ir";
  /** Lines are joined by line feeds. */
  readonly text: string;
  /** Manifests that lines come from. */
  readonly files: readonly string[];
  /** Two numbers for each line of the text: which of `files`, and the line of that, both from 1; or 0, 0. */
  readonly places: Int32Array;
}

export interface RuleLine {
  readonly text: string;
  /** The line of a manifest that it comes from. */
  readonly place?: LinePlace;
}

export interface LinePlace {
  readonly file: string;
  readonly line: number;
}

export interface MatrixViewAnswer extends AnswerBase {
  readonly view: "matrix";
  readonly matrix: MatrixData | undefined;
}

export interface CheckAnswer extends AnswerBase {
  readonly view: "check";
  /** What walks through the described network meet. */
  readonly findings: readonly DiagnosticData[];
}

/** Whether two sides do the same. */
export interface ComparisonReport {
  readonly verdict: ComparisonVerdict;
  /** Services that they treat differently, each with what differs, a sentence each. */
  readonly services: readonly { readonly service: string; readonly differences: readonly string[] }[];
  readonly examples: readonly ExamplePacket[];
  /** The whole report, as the command line prints it. */
  readonly text: string;
}

/** A packet that tells the two sides apart. */
export interface ExamplePacket {
  /** As `kpc trace` takes it; null: no single packet is one. */
  readonly packet: string | null;
  readonly sides: readonly [ExampleSide, ExampleSide];
}

export interface ExampleSide {
  /** What happens, in words, with its chance. */
  readonly outcomes: readonly { readonly text: string; readonly probability: number }[];
  /** The rules that decide. */
  readonly rules: readonly RuleLine[];
}

export interface VerifyAnswer extends AnswerBase {
  readonly view: "verify";
  /** Names of the files that hold rules of a host; none: there is nothing to verify. */
  readonly dumps: readonly string[];
  readonly refusal?: string;
  readonly report?: ComparisonReport;
}

export interface DiffAnswer extends AnswerBase {
  readonly view: "diff";
  readonly report?: ComparisonReport;
}

export interface ClassifierAnswer extends AnswerBase {
  readonly view: "classifier";
  /** The table of `node`; undefined: `unsupported` says why there is none. */
  readonly table: Uint8Array | undefined;
  readonly unsupported: readonly DiagnosticData[];
  /** Packets for batches, in slots of 64 bytes. */
  readonly slots: Uint8Array;
  /** Packets of which the engine and the evaluator said the same, of how many. */
  readonly agreeing: number;
  readonly compared: number;
}
