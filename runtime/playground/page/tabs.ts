/** The tabs of views. */
import { VIEWS, type ViewName } from "../protocol.ts";
import { byId, h } from "./dom.ts";
import { showFilesPane } from "./panes.ts";
import type { PageState, Store } from "./state.ts";
import { TITLES } from "./views/view.ts";

/** A tab for each view, and one for files. */
export function buildTabs(store: Store): void {
  byId("views").append(...VIEWS.map((view) => viewTab(view, store)));
  byId("tab-files").addEventListener("click", () => {
    showFilesPane(true);
    drawTabs(store.state);
  });
  listenToTabs();
}

function viewTab(view: ViewName, store: Store): HTMLElement {
  const tab = h("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": "view" }, TITLES[view]);
  tab.addEventListener("click", () => {
    showFilesPane(false);
    store.set({ view });
    drawTabs(store.state);
  });
  return tab;
}

/** Arrow keys lead from tab to tab. */
function listenToTabs(): void {
  byId("views").addEventListener("keydown", ({ key }) => {
    const tabs = [...byId("views").querySelectorAll<HTMLElement>("[role=tab]")].filter(
      (tab) => tab.offsetParent !== null,
    );
    const by = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    const at = tabs.indexOf(document.activeElement as HTMLElement);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (by === 0 || at < 0 || next === undefined) return;
    next.click();
    next.focus();
  });
}

/** Shows which tab is chosen. On a small screen, files have one beside those of views. */
export function drawTabs({ view }: PageState): void {
  const isSmall = byId("tab-files").offsetParent !== null;
  const shown = isSmall && document.body.classList.contains("shows-files") ? "files" : view;
  for (const each of ["files", ...VIEWS]) {
    const tab = byId(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === shown));
    tab.tabIndex = each === shown ? 0 : -1;
    if (each === shown) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  byId("view").setAttribute("aria-labelledby", `tab-${view}`);
}
