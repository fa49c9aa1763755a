/** The editor of files: CodeMirror, with the findings of the compiler in it. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { DiagnosticData } from "../../../compiler/index.ts";

export interface EditorEvents {
  readonly onText: (text: string) => void;
  /** The cursor came to a line (from 1) of the file. */
  readonly onLine: (name: string, line: number) => void;
}

/** Files have a history each: undo never leads into another one. */
export class Editor {
  private readonly view: EditorView;
  private readonly states = new Map<string, EditorState>();
  private readonly events: EditorEvents;
  private name = "";

  constructor(parent: HTMLElement, events: EditorEvents) {
    this.events = events;
    // In a shadow root the editor has its styles as adopted sheets: the page's policy allows no style elements.
    const root = parent.attachShadow({ mode: "open" });
    this.view = new EditorView({ parent: root, root });
  }

  /** Shows a file. Its text is that of the editor where both know it. */
  open(name: string, text: string): void {
    if (name === this.name && text === this.view.state.doc.toString()) return;
    if (this.name !== "") this.states.set(this.name, this.view.state);
    const known = this.states.get(name);
    this.name = name;
    this.view.setState(known?.doc.toString() === text ? known : this.stateFor(text));
  }

  /** What was found in the file that is shown. */
  mark(diagnostics: readonly DiagnosticData[]): void {
    const { doc } = this.view.state;
    const marks = diagnostics.flatMap(({ file, line, column, severity, message, code }): Diagnostic[] => {
      if (file !== this.name || line === undefined || line > doc.lines) return [];
      const at = doc.line(line);
      const from = Math.min(at.from + (column ?? 1) - 1, at.to);
      const kind = severity === "error" || severity === "warning" ? severity : "info";
      return [{ from, to: Math.max(from, at.to), severity: kind, message: `${message} [${code}]` }];
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks));
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
        history(),
        yaml(),
        syntaxHighlighting(HIGHLIGHT),
        lintGutter(),
        search({ top: true }),
        highlightActiveLine(),
        litLines,
        THEME,
        EditorView.contentAttributes.of({ "aria-label": "text of the file", tabindex: "0" }),
        // Tab stays free, so that the keyboard can leave the editor.
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        EditorView.updateListener.of(({ docChanged, selectionSet, state }) => {
          if (docChanged) this.events.onText(state.doc.toString());
          else if (selectionSet) this.events.onLine(this.name, state.doc.lineAt(state.selection.main.head).number);
        }),
      ],
    });
  }
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
