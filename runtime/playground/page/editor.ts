/** The editor of files: CodeMirror, with the findings of the compiler in it. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  Compartment,
  EditorState,
  type Extension,
  StateEffect,
  StateField,
  type Text,
  type TransactionSpec,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  type ViewUpdate,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { DiagnosticData } from "../../../compiler/index.ts";
import type { StepLine } from "../protocol.ts";
import { numberLines, stepGutter } from "./step-gutter.ts";

export interface EditorEvents {
  /** The number of a step was clicked. */
  readonly onStep: (number: string) => void;
  /** `isMove`: by the editor's own undo or redo. */
  readonly onText: (name: string, text: string, isMove: boolean) => void;
  /** The cursor came to a line (from 1) of the file, in a document that begins at line `first`. */
  readonly onLine: (name: string, line: number, first: number) => void;
}

/** Characters from which on a text is told only when typing pauses: to copy it takes longer than a key may. */
const LARGE = 200_000;
/** Milliseconds. */
const PAUSE = 150;

/** Files have a history each: undo never leads into another one. */
export class Editor {
  private readonly view: EditorView;
  private readonly states = new Map<string, EditorState>();
  private readonly events: EditorEvents;
  private name = "";
  /** The text of the file that is shown, where it is known: large ones are put together once. */
  private known: { readonly doc: Text; readonly text: string } | undefined;
  /** Set while there is a change that was not told. */
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isMove = false;

  constructor(parent: HTMLElement, events: EditorEvents) {
    this.events = events;
    // In a shadow root the editor has its styles as adopted sheets: the page's policy allows no style elements.
    const root = parent.attachShadow({ mode: "open" });
    this.view = new EditorView({ parent: root, root });
  }

  /** Shows a file. Where its text is not that of the editor, the change to it joins the file's history. */
  open(name: string, text: string): void {
    const isShown = name === this.name;
    if (isShown && (this.timer !== undefined || text === this.text())) return;
    this.tell();
    if (isShown) {
      this.view.dispatch(changeTo(this.view.state, text));
      return;
    }
    if (this.name !== "") this.states.set(this.name, this.view.state);
    const state = this.states.get(name);
    this.name = name;
    if (state === undefined) this.view.setState(this.stateFor(text));
    else this.view.setState(state.doc.toString() === text ? state : state.update(changeTo(state, text)).state);
    this.known = { doc: this.view.state.doc, text };
    // Not where the other file was scrolled to.
    this.view.scrollDOM.scrollTo(0, 0);
  }

  /** Tells now what was typed. */
  tell(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.events.onText(this.name, this.text(), this.isMove);
  }

  private text(): string {
    const { doc } = this.view.state;
    if (this.known?.doc !== doc) this.known = { doc, text: doc.toString() };
    return this.known.text;
  }

  private hear({ docChanged, selectionSet, state, transactions }: ViewUpdate): void {
    if (transactions.some((transaction) => transaction.annotation(fromPage))) return;
    if (!docChanged) {
      if (!selectionSet) return;
      const { number: line } = state.doc.lineAt(state.selection.main.head);
      let first = line;
      while (first > 1 && !state.doc.line(first).text.startsWith("---")) first--;
      this.events.onLine(this.name, line, first);
      return;
    }
    const wanted = languageOf(state.sliceDoc(0, HEAD));
    if (language.get(state) !== wanted) this.view.dispatch({ effects: language.reconfigure(wanted) });
    this.isMove = transactions.some((each) => each.isUserEvent("undo") || each.isUserEvent("redo"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), PAUSE);
    if (state.doc.length < LARGE) this.tell();
  }

  /** What was found in the file that is shown, and the steps of a walk that come from it. */
  mark(diagnostics: readonly DiagnosticData[], steps: readonly StepLine[]): void {
    const { doc } = this.view.state;
    const marks = diagnostics.flatMap(({ file, line, column, severity, message, code }): Diagnostic[] => {
      if (file !== this.name || line === undefined || line > doc.lines) return [];
      const at = doc.line(line);
      const from = Math.min(at.from + (column ?? 1) - 1, at.to);
      const kind = severity === "error" || severity === "warning" ? severity : "info";
      return [{ from, to: Math.max(from, at.to), severity: kind, message: `${message} [${code}]` }];
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks), numberLines(doc, this.name, steps));
  }

  /** Lights lines (from 1) of the file that is shown, and scrolls to the first of them. */
  light(lines: readonly number[]): void {
    const { doc } = this.view.state;
    const shown = lines.filter((line) => line <= doc.lines);
    const [first] = shown;
    this.view.dispatch({
      effects: [
        lit.of(shown),
        ...(first === undefined ? [] : [EditorView.scrollIntoView(doc.line(first).from, { y: "center" })]),
      ],
    });
  }

  /** Puts the cursor on a line. */
  goTo(line: number): void {
    const { doc } = this.view.state;
    const { from } = doc.line(Math.min(line, doc.lines));
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  private stateFor(text: string): EditorState {
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        stepGutter(this.events.onStep),
        history(),
        language.of(languageOf(text)),
        syntaxHighlighting(HIGHLIGHT),
        lintGutter(),
        search({ top: true }),
        highlightActiveLine(),
        litLines,
        THEME,
        EditorView.contentAttributes.of({ "aria-label": "text of the file", tabindex: "0" }),
        // Tab stays free, so that the keyboard can leave the editor.
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        EditorView.updateListener.of((update) => this.hear(update)),
        EditorView.domEventHandlers({ blur: () => this.tell() }),
      ],
    });
  }
}

/** What tells whether a text is YAML stands in so many characters. */
const HEAD = 2000;
const YAML = yaml();
const PLAIN: Extension = [];
const language = new Compartment();

/** YAML, and JSON, get colours. Rules get none: the parser of YAML finds no end of their first token, and takes seconds with each key. */
function languageOf(text: string): Extension {
  const first = /^(?!\s*(?:#|$)).*/m.exec(text.slice(0, HEAD))?.[0] ?? "";
  return /^\s*(?:$|---|%|[-?] |[{[]|["']?[\w./-]+["']?\s*:(?:\s|$))/.test(first) ? YAML : PLAIN;
}

/** A change that the page makes, not the user of the editor. */
const fromPage = Annotation.define<boolean>();

/** The change that makes `text` of a file: what both have at the beginning and the end stays. */
function changeTo({ doc }: EditorState, text: string): TransactionSpec {
  const old = doc.toString();
  const most = Math.min(old.length, text.length);
  let from = 0;
  while (from < most && old[from] === text[from]) from++;
  let same = 0;
  while (same < most - from && old[old.length - 1 - same] === text[text.length - 1 - same]) same++;
  return {
    changes: { from, to: old.length - same, insert: text.slice(from, text.length - same) },
    annotations: fromPage.of(true),
    scrollIntoView: true,
  };
}

/** Colours are those of the page, which shadow roots inherit as variables. */
const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--bg)" },
  ".cm-scroller": { fontFamily: "ui-monospace, monospace", fontSize: "13px" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--dim)", borderRight: "1px solid var(--hair)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--bar) !important" },
  ".cm-tooltip, .cm-panels": { color: "var(--ink)", backgroundColor: "var(--card)", borderColor: "var(--line)" },
  ".cm-steps .cm-gutterElement": { padding: "0 2px", textAlign: "right", fontFamily: "system-ui, sans-serif" },
  "[data-step]": {
    display: "inline-block",
    minWidth: "18px",
    padding: "0 3px",
    marginLeft: "1px",
    borderRadius: "9px",
    textAlign: "center",
    fontWeight: "600",
    fontSize: "12px",
    lineHeight: "17px",
    color: "var(--bg)",
    backgroundColor: "var(--req)",
    cursor: "pointer",
  },
  "[data-step].reply": { backgroundColor: "var(--rep)", borderRadius: "3px" },
  ".lit": { backgroundColor: "var(--lit)", boxShadow: "inset 3px 0 var(--rep)" },
});

/** Keys, texts and comments in three of the page's colours: each readable on both grounds. */
const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--rep)" },
  { tag: [tags.string, tags.number, tags.bool], color: "var(--ok)" },
  { tag: tags.comment, color: "var(--dim)" },
]);

const lit = StateEffect.define<readonly number[]>();

const LIT = Decoration.line({ class: "lit" });

const litLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (lines, { effects, changes, state }) => {
    let now = lines.map(changes);
    for (const effect of effects)
      if (effect.is(lit))
        now = Decoration.set(
          effect.value.map((line) => LIT.range(state.doc.line(line).from)),
          true,
        );
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});
