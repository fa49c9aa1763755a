/** The keyboard. Single letters work outside of text fields. */
import { VIEWS } from "../protocol.ts";
import { byId } from "./dom.ts";
import type { Store } from "./state.ts";

/** `move`: undoes, or does again, the last change of files. */
export function listenToKeys(store: Store, move: (way: "undo" | "redo") => void): void {
  document.addEventListener("keydown", (event) => {
    const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
    const view = altKey ? VIEWS[Number(key) - 1] : undefined;
    if (view !== undefined) {
      event.preventDefault();
      store.set({ view });
      return;
    }
    if (altKey || isTyping(event.composedPath()[0])) return;
    if (ctrlKey || metaKey) {
      const letter = key.toLowerCase();
      if (letter !== "z" && letter !== "y") return;
      event.preventDefault();
      move(letter === "y" || shiftKey ? "redo" : "undo");
      return;
    }
    if (key === "/") {
      event.preventDefault();
      byId("question").focus();
    } else if (key === "?") showHelp();
    else if (key === "ArrowDown" || key === "ArrowUp") step(key === "ArrowDown" ? 1 : -1, event);
    else if (key === "[" || key === "]") chooseBranch(key === "]" ? 1 : -1);
    else if (key === "n" || key === "N") moveTo(".finding .place", key === "n" ? 1 : -1, event);
  });
}

/** `target`: the innermost one, within the editor too. */
function isTyping(target: EventTarget | undefined): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** To the next or the previous step of the walk, or line of rules that leads somewhere. */
function step(by: number, event: Event): void {
  moveTo("li.step, .rules .linked", by, event);
}

/** The next or the previous branch of the walk. */
function chooseBranch(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>(".branch")];
  const at = all.findIndex((each) => each.getAttribute("aria-pressed") === "true");
  all[at + by]?.click();
}

function moveTo(selector: string, by: number, event: Event): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)];
  if (all.length === 0) return;
  const at = document.activeElement instanceof HTMLElement ? all.indexOf(document.activeElement) : -1;
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

export function showHelp(): void {
  const dialog = byId("help");
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}
