/** The page: puts the parts together, and asks the worker after each change. */
import type { InputFile, LinePlace, ViewAnswer } from "../protocol.ts";
import { Asker } from "./asker.ts";
import { completeIn } from "./completion.ts";
import { byId, h } from "./dom.ts";
import { Editor } from "./editor.ts";
import { listenToFiles, showFiles, takeDrops } from "./files.ts";
import { History } from "./history.ts";
import { listenToKeys, showHelp } from "./keys.ts";
import { lightLinked, listenToLinks, nearestLinked } from "./links.ts";
import { listenToBorder, showFilesPane } from "./panes.ts";
import { exampleOf, followChanges, servedFiles } from "./served.ts";
import { fromFragment, LONGEST_LINK, toFragment } from "./share.ts";
import { drawBadge, drawView, forgetAnswers } from "./shown.ts";
import { type Example, type PageState, Store, stateOf } from "./state.ts";
import { buildTabs, drawTabs } from "./tabs.ts";
import type { PageContext } from "./views/context.ts";
import { TITLES } from "./views/view.ts";

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
    onStep: (number) => {
      showFilesPane(false);
      drawTabs(store.state);
      byId("view").querySelector<HTMLElement>(`li[data-step="${number}"]`)?.focus();
    },
    onText: (name, text, isMove) => {
      history.isEditorMoving = isMove;
      store.setText(name, text);
      history.isEditorMoving = false;
    },
    onLine: (file, line, first) => {
      const view = byId("view");
      lightLinked(view, nearestLinked(view, { file, line }, first))?.scrollIntoView({ block: "nearest" });
    },
  });
  const history = new History(store, () => drawHistory(history));
  let lit: LinePlace | undefined;
  const lightInEditor = (): void => editor.light(lit?.file === store.state.open ? [lit.line] : []);
  listenToLinks(byId("view"), (place) => {
    lit = place;
    lightInEditor();
    lightLinked(byId("view"), place);
    for (const tab of document.querySelectorAll<HTMLElement>("#files .file"))
      tab.classList.toggle("lit", tab.textContent === place?.file);
  });
  const context: PageContext = {
    goTo: ({ file, line }) => {
      if (!store.state.files.some(({ name }) => name === file)) return;
      showFilesPane(true);
      drawTabs(store.state);
      store.set({ open: file });
      editor.goTo(line);
    },
    get scheme() {
      return DARK.matches && !isPrinting ? "dark" : "light";
    },
    choose: (branch) => store.set({ branch }),
    ask: (question) => store.set({ question, branch: 0, view: "walk" }),
    measure: (table, slots) => asker.measure(table, slots),
  };
  const asker = new Asker(byId("worker").textContent, {
    onAnswer: (answer, milliseconds) => show(answer, milliseconds, store, editor, context),
    onFailed: (stack) => tellTrouble(`kpc has an error, which is not yours: ${stack}`),
    onBusy: (isBusy) => document.body.classList.toggle("busy", isBusy),
    onLate: (view, isFirst) => {
      byId("status").textContent = `${TITLES[view]}: ${isFirst ? `reading ${sizeOf(store.state)}` : "working"} …`;
    },
  });
  DARK.addEventListener("change", () => ask());
  for (const event of ["beforeprint", "afterprint"])
    addEventListener(event, () => {
      isPrinting = event === "beforeprint";
      if (DARK.matches && lastAnswer?.view === "walk") drawView(lastAnswer, store, context);
    });
  const ask = (): void => asker.ask(store.state.view, store.state);
  const linkSoon = later(LINK_PAUSE, () => void rewriteLink(store.state));
  store.onChange((state, before) => {
    performance.mark("change");
    tellTrouble("");
    const isRenamed = namesOf(state) !== namesOf(before);
    if (isRenamed) forgetAnswers();
    if (isRenamed || state.open !== before.open) showFiles(store);
    editor.open(state.open, textOf(state));
    if (state.open !== before.open) lightInEditor();
    if (state.view !== before.view) showFilesPane(false);
    drawControls(state, examples);
    const isOpenedOnly = PARTS.every((part) => part === "open" || state[part] === before[part]);
    if (isOpenedOnly) mark(editor);
    else ask();
    linkSoon();
  });
  buildControls(store, examples, () => asker.stop());
  const move = (way: "undo" | "redo"): void => {
    editor.tell();
    history[way]();
  };
  byId("undo").addEventListener("click", () => move("undo"));
  byId("redo").addEventListener("click", () => move("redo"));
  if (served !== undefined)
    followChanges({
      onFiles: (files) => {
        const { before } = store.state;
        store.set({ ...withFiles(store.state, files), before });
        history.clear();
      },
      onLost: () => tellTrouble("kpc serve does not answer: changes of the files are not followed"),
    });
  listenToKeys(store, move);
  listenToFiles(store, tellTrouble);
  listenToBorder();
  takeDrops(document.body, store, tellTrouble);
  showFiles(store);
  editor.open(store.state.open, textOf(store.state));
  drawControls(store.state, examples);
  drawHistory(history);
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

/** What is shown. */
let lastAnswer: ViewAnswer | undefined;

/** Paper is white: drawings on it have the colours of the light scheme. */
let isPrinting = false;

/** Names that the question may have. */
let names: readonly string[] = [];

function mark(editor: Editor): void {
  const steps = lastAnswer?.view === "walk" ? (lastAnswer.walk?.steps ?? []) : [];
  editor.mark(lastAnswer?.diagnostics ?? [], steps);
}

function show(answer: ViewAnswer, milliseconds: number, store: Store, editor: Editor, context: PageContext): void {
  if (answer.view !== store.state.view) return;
  drawView(answer, store, context);
  lastAnswer = answer;
  mark(editor);
  drawBadge(answer, store.state);
  const count = (wanted: string): string => {
    const all = answer.view === "check" ? [...answer.diagnostics, ...answer.findings] : answer.diagnostics;
    const found = all.filter(({ severity }) => severity === wanted).length;
    return `${found} ${wanted}${found === 1 ? "" : "s"}`;
  };
  byId("status").textContent =
    `${TITLES[answer.view]}: ${milliseconds.toFixed(0)} ms · ${count("error")}, ${count("warning")}`;
  const { node } = store.state;
  // While files have errors, no nodes are known.
  if (answer.nodes.length > 0)
    byId("node").replaceChildren(
      ...answer.nodes.map((name) => h("option", { value: name, selected: name === node }, name)),
    );
  if (answer.view === "walk") names = answer.names;
  // Printed above the view.
  byId("view").dataset["title"] = `kpc: ${TITLES[answer.view]}, ${store.state.mode}, ${node || answer.nodes[0]}`;
  performance.mark("answer");
  document.body.dataset["answered"] = String(Number(document.body.dataset["answered"] ?? 0) + 1);
}

function drawHistory({ next }: History): void {
  for (const way of ["undo", "redo"] as const) {
    const title = next[way];
    const button = byId(way);
    button.setAttribute("aria-disabled", String(title === undefined));
    button.setAttribute("title", title === undefined ? `nothing to ${way}` : `${way} the ${title}`);
  }
}

function tellTrouble(text: string): void {
  byId("trouble").textContent = text;
}

function buildControls(store: Store, examples: readonly Example[], stop: () => void): void {
  const question = byId("question") as HTMLInputElement;
  const follow = (): void => store.set({ question: question.value, branch: 0, view: "walk" });
  question.addEventListener("input", follow);
  const close = completeIn(question, () => names, follow);
  store.onChange((state) => {
    if (state.question !== question.value) close();
  });
  const mode = byId("mode") as HTMLSelectElement;
  mode.addEventListener("change", () => store.set({ mode: mode.value === "iptables" ? "iptables" : "nftables" }));
  const node = byId("node") as HTMLSelectElement;
  node.addEventListener("change", () => store.set({ node: node.value }));
  const example = byId("example") as HTMLSelectElement;
  const own = h("option", { value: "", hidden: true }, "choose one");
  example.append(own, ...examples.map(({ title }) => h("option", { value: title }, title)));
  example.addEventListener("change", () => {
    const chosen = examples.find(({ title }) => title === example.value);
    if (chosen !== undefined) store.set(stateOf(chosen, store.state.mode));
  });
  byId("stop").addEventListener("click", stop);
  byId("keys").addEventListener("click", showHelp);
  buildTabs(store);
}

function drawControls(state: PageState, examples: readonly Example[]): void {
  const { question, mode, view, files } = state;
  const field = byId("question") as HTMLInputElement;
  if (field.value !== question) field.value = question;
  (byId("mode") as HTMLSelectElement).value = mode;
  (byId("example") as HTMLSelectElement).value = examples.find((each) => each.files === files)?.title ?? "";
  document.title = `${view === "walk" && question !== "" ? question : TITLES[view]} – kpc playground`;
  drawTabs(state);
}

function textOf({ files, open }: PageState): string {
  return files.find(({ name }) => name === open)?.text ?? "";
}

/** The size of all files, in words. */
function sizeOf({ files }: PageState): string {
  const length = files.reduce((sum, { text }) => sum + text.length, 0);
  return length < 1e6 ? `${Math.ceil(length / 1e3)} kB` : `${(length / 1e6).toFixed(1)} MB`;
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
