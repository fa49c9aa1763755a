/** The page: puts the parts together, and asks the worker after each change. */
import { type InputFile, type LinePlace, VIEWS, type ViewAnswer, type ViewName } from "../protocol.ts";
import { Asker } from "./asker.ts";
import { byId, h } from "./dom.ts";
import { Editor } from "./editor.ts";
import { showFiles, takeDrops } from "./files.ts";
import { listenToKeys, showHelp } from "./keys.ts";
import { lightLinked, listenToLinks } from "./links.ts";
import { exampleOf, followChanges, servedFiles } from "./served.ts";
import { fromFragment, LONGEST_LINK, toFragment } from "./share.ts";
import { type Example, type PageState, Store, stateOf } from "./state.ts";
import type { ViewContext } from "./views/context.ts";
import { TITLES, viewOf } from "./views/view.ts";

/** Milliseconds after the last key until the link is rewritten. */
const LINK_PAUSE = 1000;

const PARTS: readonly (keyof PageState)[] = ["files", "before", "question", "branch", "mode", "node", "view", "open"];

const DARK = matchMedia("(prefers-color-scheme: dark)");

void start();

async function start(): Promise<void> {
  const examples = JSON.parse(byId("examples").textContent) as readonly Example[];
  const [first] = examples;
  if (first === undefined) throw new Error("the page has no examples");
  const served = await servedFiles();
  const linked = await firstState(stateOf(served === undefined ? first : exampleOf(served)));
  const store = new Store(served === undefined ? linked : withFiles(linked, served));
  const editor = new Editor(byId("editor"), {
    onText: (text) => store.setText(text),
    onLine: (file, line) => lightLinked(byId("view"), { file, line }),
  });
  let lit: LinePlace | undefined;
  const lightInEditor = (): void => editor.light(lit?.file === store.state.open ? [lit.line] : []);
  listenToLinks(byId("view"), (place) => {
    lit = place;
    lightInEditor();
    lightLinked(byId("view"), place);
    for (const tab of document.querySelectorAll<HTMLElement>("#files .file"))
      tab.classList.toggle("lit", tab.textContent === place?.file);
  });
  const context: ViewContext = {
    goTo: ({ file, line }) => {
      if (!store.state.files.some(({ name }) => name === file)) return;
      store.set({ open: file });
      editor.goTo(line);
    },
    get scheme() {
      return DARK.matches ? "dark" : "light";
    },
    choose: (branch) => store.set({ branch }),
    ask: (question) => store.set({ question, branch: 0, view: "walk" }),
  };
  const asker = new Asker(byId("worker").textContent, {
    onAnswer: (answer, milliseconds) => show(answer, milliseconds, store, editor, context),
    onFailed: (stack) => tellTrouble(`kpc has an error, which is not yours: ${stack}`),
    onBusy: (isBusy) => document.body.classList.toggle("busy", isBusy),
  });
  DARK.addEventListener("change", () => ask());
  const ask = (): void => asker.ask(store.state.view, store.state);
  const linkSoon = later(LINK_PAUSE, () => void rewriteLink(store.state));
  store.onChange((state, before) => {
    performance.mark("change");
    tellTrouble("");
    if (namesOf(state) !== namesOf(before) || state.open !== before.open) showFiles(byId("files"), store);
    editor.open(state.open, textOf(state));
    if (state.open !== before.open) lightInEditor();
    drawControls(state);
    const isOpenedOnly = PARTS.every((part) => part === "open" || state[part] === before[part]);
    if (isOpenedOnly) editor.mark(lastDiagnostics);
    else ask();
    linkSoon();
  });
  buildControls(store, examples, () => asker.stop());
  if (served !== undefined)
    followChanges((files) => {
      const { before } = store.state;
      store.set({ ...withFiles(store.state, files), before });
    });
  listenToKeys(store);
  takeDrops(document.body, store, tellTrouble);
  showFiles(byId("files"), store);
  editor.open(store.state.open, textOf(store.state));
  drawControls(store.state);
  ask();
}

/** With the files that kpc serve has now: those of a link may be older. */
function withFiles(state: PageState, files: readonly InputFile[]): PageState {
  const isOpen = files.some(({ name }) => name === state.open);
  return { ...state, files, before: files, open: isOpen ? state.open : (files[0]?.name ?? "") };
}

/** The state that the link holds, or `otherwise`. */
async function firstState(otherwise: PageState): Promise<PageState> {
  const fragment = location.hash.slice(1);
  if (fragment === "") return otherwise;
  try {
    return await fromFragment(fragment);
  } catch (error) {
    tellTrouble(`${error instanceof Error ? error.message : String(error)}: showing the example instead`);
    return otherwise;
  }
}

async function rewriteLink(state: PageState): Promise<void> {
  const fragment = hopesForLink(state) ? await toFragment(state) : undefined;
  const link = fragment !== undefined && fragment.length <= LONGEST_LINK ? fragment : undefined;
  byId("link-size").textContent =
    link === undefined ? "too long for a link" : `link: ${link.length.toLocaleString("en")} characters`;
  history.replaceState(null, "", link === undefined ? location.pathname : `#${link}`);
}

/** Whether texts may become short enough: those that do not take the page's time for nothing. */
function hopesForLink({ files }: PageState): boolean {
  return files.reduce((sum, { text }) => sum + text.length, 0) < 20 * LONGEST_LINK;
}

let lastDiagnostics: ViewAnswer["diagnostics"] = [];

function show(answer: ViewAnswer, milliseconds: number, store: Store, editor: Editor, context: ViewContext): void {
  if (answer.view !== store.state.view) return;
  lastDiagnostics = answer.diagnostics;
  editor.mark(answer.diagnostics);
  byId("view").replaceChildren(viewOf(answer, context, () => store.set({ before: store.state.files })));
  const errors = answer.diagnostics.filter(({ severity }) => severity === "error").length;
  const warnings = answer.diagnostics.filter(({ severity }) => severity === "warning").length;
  byId("status").textContent =
    `${TITLES[answer.view]}: ${milliseconds.toFixed(0)} ms · ${errors} errors, ${warnings} warnings`;
  const { node } = store.state;
  byId("node").replaceChildren(
    ...answer.nodes.map((name) => h("option", { value: name, selected: name === node }, name)),
  );
  if (answer.view === "walk")
    byId("names").replaceChildren(...answer.names.map((name) => h("option", { value: name })));
  performance.mark("answer");
  document.body.dataset["answered"] = String(Number(document.body.dataset["answered"] ?? 0) + 1);
}

function tellTrouble(text: string): void {
  byId("trouble").textContent = text;
}

function buildControls(store: Store, examples: readonly Example[], stop: () => void): void {
  const question = byId("question") as HTMLInputElement;
  question.addEventListener("input", () => store.set({ question: question.value, branch: 0, view: "walk" }));
  const mode = byId("mode") as HTMLSelectElement;
  mode.addEventListener("change", () => store.set({ mode: mode.value === "iptables" ? "iptables" : "nftables" }));
  const node = byId("node") as HTMLSelectElement;
  node.addEventListener("change", () => store.set({ node: node.value }));
  const example = byId("example") as HTMLSelectElement;
  example.append(...examples.map(({ title }) => h("option", { value: title }, title)));
  example.addEventListener("change", () => {
    const chosen = examples.find(({ title }) => title === example.value);
    if (chosen !== undefined) store.set(stateOf(chosen, store.state.mode));
  });
  byId("stop").addEventListener("click", stop);
  byId("keys").addEventListener("click", showHelp);
  const tabs = VIEWS.map((view) => viewTab(view, store));
  byId("views").append(...tabs);
}

function viewTab(view: ViewName, store: Store): HTMLElement {
  const tab = h("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": "view" }, TITLES[view]);
  tab.addEventListener("click", () => store.set({ view }));
  tab.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = VIEWS[(VIEWS.indexOf(view) + by + VIEWS.length) % VIEWS.length];
    if (by === 0 || next === undefined) return;
    store.set({ view: next });
    byId(`tab-${next}`).focus();
  });
  return tab;
}

function drawControls({ question, mode, view }: PageState): void {
  const field = byId("question") as HTMLInputElement;
  if (field.value !== question) field.value = question;
  (byId("mode") as HTMLSelectElement).value = mode;
  for (const each of VIEWS) {
    const tab = byId(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === view));
    tab.tabIndex = each === view ? 0 : -1;
  }
  byId("view").setAttribute("aria-labelledby", `tab-${view}`);
}

function textOf({ files, open }: PageState): string {
  return files.find(({ name }) => name === open)?.text ?? "";
}

function namesOf({ files }: PageState): string {
  return files.map(({ name }) => name).join("\n");
}

/** Calls `action` when it was not called for again for some time. */
function later(milliseconds: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
