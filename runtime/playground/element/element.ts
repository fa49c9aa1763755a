/**
 * `<kpc-walk src="FILES" packet="PACKET">`: the way of a packet through the cluster that the files describe, drawn in any page.
 *
 * What stands within the element is shown until the walk is there. Styles are adopted sheets and colours are attributes: a strict policy of the
 * page stops neither. It asks for the files of `src`, and for nothing else.
 */
import { COLOURS, type ColourScheme } from "../../../compiler/pictures/colours.ts";
import { h } from "../page/dom.ts";
import { findingList, type ViewContext } from "../page/views/context.ts";
import { walkView } from "../page/views/walk.ts";
import type { InputFile, RuleMode, WalkAnswer, Workspace } from "../protocol.ts";
import { askWalk } from "./asking.ts";
import { ElementTrouble, fetchFile, inlineFiles, namesIn } from "./files.ts";

/** The text of the style sheets, which the build puts here. */
declare const kpcStyle: string;

const DARK = matchMedia("(prefers-color-scheme: dark)");

class KpcWalk extends HTMLElement {
  static readonly observedAttributes = ["src", "packet", "mode", "branch", "scheme"];

  private readonly root = this.attachShadow({ mode: "open" });
  private readonly internals = this.attachInternals();
  private readonly colours = new CSSStyleSheet();
  private readonly inlineWatcher = new MutationObserver(() => this.refreshSoon());
  /** Of the `src` that was fetched last. */
  private fetched: { readonly src: string; readonly files: Promise<readonly InputFile[]> } | undefined;
  private answer: WalkAnswer | undefined;
  /** Which refresh is the newest; what an older one finds out is not shown. */
  private turn = 0;
  private isWaiting = false;

  constructor() {
    super();
    const style = new CSSStyleSheet();
    style.replaceSync(kpcStyle);
    this.root.adoptedStyleSheets = [this.colours, style];
    this.root.append(document.createElement("slot"));
    this.root.addEventListener("keydown", (event) => moveToStep(event as KeyboardEvent));
    this.internals.role = "figure";
  }

  connectedCallback(): void {
    this.paintScheme();
    DARK.addEventListener("change", this.onScheme);
    this.inlineWatcher.observe(this, { childList: true, subtree: true, characterData: true });
    this.refreshSoon();
  }

  disconnectedCallback(): void {
    DARK.removeEventListener("change", this.onScheme);
    this.inlineWatcher.disconnect();
  }

  attributeChangedCallback(name: string): void {
    if (!this.isConnected) return;
    if (name === "scheme") this.onScheme();
    this.refreshSoon();
  }

  /** Once for all attributes that change together, and not before the page is whole: it may still be reading what is within. */
  private refreshSoon(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    const refresh = (): void => {
      this.isWaiting = false;
      if (this.isConnected) void this.refresh();
    };
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", refresh, { once: true });
    else queueMicrotask(refresh);
  }

  private async refresh(): Promise<void> {
    const turn = ++this.turn;
    this.internals.ariaBusy = "true";
    const shown = await this.find().catch((error: unknown) => troubleOf(error));
    if (turn !== this.turn) return;
    this.internals.ariaBusy = "false";
    this.answer = typeof shown === "string" ? undefined : shown;
    if (typeof shown === "string") this.showTrouble(shown);
    else this.showAnswer(shown);
  }

  /** The walk that the attributes ask about. */
  private async find(): Promise<WalkAnswer> {
    const packet = this.getAttribute("packet")?.trim() ?? "";
    if (packet === "") throw new ElementTrouble('expected packet="PACKET", such as packet="tcp web-1 > svc/web:http"');
    schemeOf(this.getAttribute("scheme"));
    const branch = branchOf(this.getAttribute("branch"));
    const mode = modeOf(this.getAttribute("mode"));
    const files = [...(await this.fetchAll(this.getAttribute("src") ?? "")), ...inlineFiles(this)];
    if (files.length === 0)
      throw new ElementTrouble('expected src="FILES", or <script type="text/yaml"> within the element');
    const workspace: Workspace = { files, before: [], question: packet, mode, branch: branch ?? 0, node: "" };
    const answer = await askWalk(workspace);
    const known = answer.walk?.branches.length;
    if (branch !== undefined && known !== undefined && branch > known)
      throw new ElementTrouble(`branch="${branch}": the walk has ${known} branches`);
    return answer;
  }

  private fetchAll(src: string): Promise<readonly InputFile[]> {
    if (this.fetched?.src !== src) this.fetched = { src, files: Promise.all(namesIn(src).map(fetchFile)) };
    const { files } = this.fetched;
    // A file that could not be had is asked for anew the next time.
    files.catch(() => {
      if (this.fetched?.files === files) this.fetched = undefined;
    });
    return files;
  }

  private showAnswer(answer: WalkAnswer): void {
    const errors = answer.diagnostics.filter(({ severity }) => severity === "error");
    const isRefused = answer.walk === undefined && answer.asked.length === 0 && errors.length > 0;
    const view = isRefused ? findingList(errors, this.context) : walkView(answer, this.context);
    const drawing = view.querySelector(".drawing");
    for (const [name, value] of [
      ["tabindex", "0"],
      ["role", "group"],
      ["aria-label", "drawing"],
    ] as const)
      drawing?.setAttribute(name, value);
    this.internals.ariaLabel = answer.walk?.title ?? "a walk that cannot be shown";
    this.replaceView(view);
  }

  private showTrouble(text: string): void {
    this.internals.ariaLabel = "a walk that cannot be shown";
    this.replaceView(h("p", { class: "finding trouble" }, text));
  }

  /** The step in focus keeps it. */
  private replaceView(view: HTMLElement): void {
    const step = this.root.activeElement?.getAttribute("data-step");
    this.root.replaceChildren(view);
    if (step !== null && step !== undefined) view.querySelector<HTMLElement>(`li[data-step="${step}"]`)?.focus();
  }

  private readonly onScheme = (): void => {
    this.paintScheme();
    if (this.answer !== undefined) this.showAnswer(this.answer);
  };

  private get scheme(): ColourScheme {
    const written = this.getAttribute("scheme");
    if (written === "light" || written === "dark") return written;
    return DARK.matches ? "dark" : "light";
  }

  private paintScheme(): void {
    const { scheme } = this;
    const variables = Object.entries(COLOURS).map(([name, colour]) => `--${kebab(name)}:${colour[scheme]}`);
    const lit = scheme === "light" ? "#e3ecf6" : "#26384c";
    this.colours.replaceSync(`:host{color-scheme:${scheme};--lit:${lit};${variables.join(";")}}`);
  }

  private get context(): ViewContext {
    return {
      goTo: undefined,
      scheme: this.scheme,
      choose: (branch) => this.setAttribute("branch", String(branch)),
      ask: (packet) => this.setAttribute("packet", packet),
    };
  }
}

function troubleOf(error: unknown): string {
  if (error instanceof ElementTrouble) return error.message;
  return `kpc has an error, which is not yours: ${error instanceof Error ? error.message : String(error)}`;
}

function schemeOf(text: string | null): ColourScheme | undefined {
  if (text === null || text === "light" || text === "dark") return text ?? undefined;
  throw new ElementTrouble(`scheme: expected light or dark, found ${text}`);
}

function modeOf(text: string | null): RuleMode {
  if (text === null || text === "nftables" || text === "iptables") return text ?? "nftables";
  throw new ElementTrouble(`mode: expected nftables or iptables, found ${text}`);
}

function branchOf(text: string | null): number | undefined {
  if (text === null || /^[1-9]\d{0,8}$/.test(text)) return text === null ? undefined : Number(text);
  throw new ElementTrouble(`branch: expected a number from 1, found ${text}`);
}

/** From one step to the next with the arrow keys. */
function moveToStep(event: KeyboardEvent): void {
  const { key, target } = event;
  const by = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  if (by === 0 || !(target instanceof HTMLElement) || !target.matches("li.step")) return;
  const next = by === 1 ? target.nextElementSibling : target.previousElementSibling;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}

/** `markInk` as `mark-ink`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

if (customElements.get("kpc-walk") === undefined) customElements.define("kpc-walk", KpcWalk);
