/** What views have in common: how they show findings, and where they lead. */
import type { DiagnosticData } from "../../../../compiler/index.ts";
import { type LinePlace, QUESTION } from "../../protocol.ts";
import { h } from "../dom.ts";
import { linkTo } from "../links.ts";

/** What a view may do with the page. */
export interface ViewContext {
  /** Opens the file, with the cursor on the line; undefined: there is no editor. */
  readonly goTo: ((place: LinePlace) => void) | undefined;
  /** The colours of the page. */
  readonly scheme: "light" | "dark";
  /** Tells another branch of the walk, from 1. */
  readonly choose: (branch: number) => void;
  /** Asks another question. */
  readonly ask: (question: string) => void;
}

/** What a view may do with a page that has a worker. */
export interface PageContext extends ViewContext {
  /** Classifies packets for a second. Gives million packets a second. */
  readonly measure: (table: Uint8Array, slots: Uint8Array) => Promise<number>;
}

/** A button that leads to a line of a file; where nothing can show it, its name alone. */
export function placeButton(place: LinePlace, { goTo }: ViewContext): HTMLElement {
  const name = `${place.file}:${place.line}`;
  if (goTo === undefined) return h("span", { class: "place" }, name);
  const button = h("button", { type: "button", class: "place" }, name);
  button.addEventListener("click", () => goTo(place));
  return linkTo(button, place);
}

/** A list of findings, each with its notes and what mends it. */
export function findingList(findings: readonly DiagnosticData[], context: ViewContext): HTMLElement {
  return h("ul", { class: "findings" }, ...findings.map((finding) => findingItem(finding, context)));
}

function findingItem(
  { severity, code, message, notes, fix, file, line }: DiagnosticData,
  context: ViewContext,
): HTMLElement {
  const isInFile = file !== undefined && line !== undefined && file !== QUESTION;
  const place = isInFile ? { file, line } : undefined;
  return h(
    "li",
    { class: `finding ${severity}` },
    h("p", {}, h("strong", {}, severity), ` ${message} `, h("code", {}, code)),
    place && placeButton(place, context),
    ...notes.map((note) => h("p", { class: "note" }, note.message)),
    fix &&
      h(
        "p",
        { class: "fix" },
        `To fix${fix.host === undefined ? "" : ` on ${fix.host}`}: `,
        h("code", {}, fix.command),
      ),
  );
}

/** A sentence in place of what is not there. */
export function nothing(text: string): HTMLElement {
  return h("p", { class: "nothing" }, text);
}
