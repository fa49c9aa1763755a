/** Completion of the question: a combobox with a list of names for the word at the cursor, as the ARIA practices describe it. */
import { byId, h } from "./dom.ts";

/** What is offered: as it is written, and what it is. */
interface Offer {
  readonly text: string;
  readonly kind: Kind;
}

type Kind = "protocol" | "HTTP request" | "Pod" | "Service" | "Node" | "outside" | "URL";

/** Rows that are drawn; of more, those that fit the word best. */
const MOST = 50;

const STARTS: readonly Offer[] = [
  ...["tcp", "udp", "sctp", "icmp"].map((text): Offer => ({ text, kind: "protocol" })),
  { text: "GET", kind: "HTTP request" },
];

/** Offers `names()` in the field; `onPick` is told when one was taken. The answer takes the list away. */
export function completeIn(field: HTMLInputElement, names: () => readonly string[], onPick: () => void): () => void {
  const list = byId("names");
  let offers: readonly Offer[] = [];
  /** Of the offers; -1: none. */
  let active = -1;

  const close = (): void => {
    offers = [];
    active = -1;
    draw();
  };
  const open = (): void => {
    const word = wordAt(field);
    offers = offersFor(word, names());
    active = -1;
    // What stands there already needs no completion.
    if (offers.length === 1 && offers[0]?.text === word.text) offers = [];
    draw();
  };
  const draw = (): void => {
    const rows = offers.slice(0, MOST).map(({ text, kind }, i) => {
      const row = h(
        "li",
        { role: "option", id: `name-${i}`, "aria-selected": i === active },
        h("code", {}, text),
        h("small", {}, kind),
      );
      row.addEventListener("click", () => pick(text));
      return row;
    });
    const more = offers.length - rows.length;
    const note =
      more > 0 ? [h("li", { role: "presentation", class: "more" }, `and ${more} more: type to narrow them`)] : [];
    list.replaceChildren(...rows, ...note);
    list.hidden = rows.length === 0;
    field.setAttribute("aria-expanded", String(rows.length > 0));
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else field.setAttribute("aria-activedescendant", `name-${active}`);
    rows[active]?.scrollIntoView({ block: "nearest" });
  };
  const pick = (text: string): void => {
    const { start, end, place } = wordAt(field);
    const behind = field.value.slice(end);
    const between = place === "source" && !behind.includes(">") ? " > " : place === "start" && behind === "" ? " " : "";
    field.value = field.value.slice(0, start) + text + between + behind;
    const at = start + text.length + between.length;
    field.setSelectionRange(at, at);
    onPick();
    if (between === "") close();
    else open();
  };

  field.addEventListener("input", open);
  field.addEventListener("blur", close);
  // A press on the list leaves the cursor where it is.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  field.addEventListener("keydown", (event) => {
    const { key } = event;
    const rows = Math.min(offers.length, MOST);
    const by = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && !event.altKey && rows > 0) {
      active = active < 0 && by < 0 ? rows - 1 : (active + by + rows) % rows;
      draw();
    } else if (by > 0) open();
    else if (key === "Enter" && active >= 0) pick(offers[active]?.text ?? "");
    else if (key === "Escape" && rows > 0) close();
    else if (key === "Enter") return close();
    else return;
    event.preventDefault();
  });
  return close;
}

interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What may stand there. */
  readonly place: "start" | "source" | "destination" | "url";
}

/** The word that the cursor is in, or behind. */
function wordAt(field: HTMLInputElement): Word {
  const { value } = field;
  const cursor = field.selectionStart ?? value.length;
  const start = cursor - (/\S*$/.exec(value.slice(0, cursor))?.[0].length ?? 0);
  const end = cursor + (/^\S*/.exec(value.slice(cursor))?.[0].length ?? 0);
  const before = value.slice(0, start).trim();
  const isUrl = /(?:^|\s)[A-Z]+$/.test(before);
  const place = isUrl ? "url" : before === "" ? "start" : before.includes(">") ? "destination" : "source";
  return { text: value.slice(start, end), start, end, place };
}

/** Those that begin with the word, or whose last part does, stand before those that hold it somewhere. */
function offersFor({ text, place }: Word, names: readonly string[]): Offer[] {
  const word = text.toLowerCase();
  const named = names.map((name): Offer => ({ text: name, kind: kindOf(name) }));
  const ofKinds = (...kinds: readonly Kind[]): Offer[] =>
    kinds.flatMap((wanted) => named.filter(({ kind }) => kind === wanted));
  const all = {
    start: [...STARTS, ...ofKinds("URL")],
    source: ofKinds("Pod", "Node", "outside"),
    destination: [...ofKinds("Service", "Pod", "Node", "outside"), ...STARTS.slice(-1), ...ofKinds("URL")],
    url: ofKinds("URL"),
  }[place];
  const rank = (offer: string): number => {
    const name = offer.toLowerCase();
    return name.startsWith(word) || name.slice(name.lastIndexOf("/") + 1).startsWith(word)
      ? 0
      : name.includes(word)
        ? 1
        : 2;
  };
  const ranked = all.map((offer) => ({ offer, rank: rank(offer.text) }));
  return [0, 1].flatMap((wanted) => ranked.filter((each) => each.rank === wanted).map(({ offer }) => offer));
}

function kindOf(name: string): Kind {
  if (/^https?:/.test(name)) return "URL";
  return name.startsWith("pod/")
    ? "Pod"
    : name.startsWith("svc/")
      ? "Service"
      : name.startsWith("node/")
        ? "Node"
        : "outside";
}
