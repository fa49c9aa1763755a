/** One relation between what views show and lines of files: any end lights all others. */
import type { LinePlace } from "../protocol.ts";

/** Lets `element` stand for a line of a file. */
export function linkTo<Linked extends HTMLElement>(element: Linked, place: LinePlace): Linked {
  element.dataset["place"] = keyOf(place);
  return element;
}

/** Tells of the line that what is under the pointer, or in focus, stands for; undefined: it stands for none. */
export function listenToLinks(root: HTMLElement, onLink: (place: LinePlace | undefined) => void): void {
  let last: string | undefined;
  const tell = ({ target }: Event): void => {
    const linked = target instanceof Element ? target.closest<HTMLElement>("[data-place]") : null;
    const key = linked?.dataset["place"];
    if (key === last) return;
    last = key;
    onLink(key === undefined ? undefined : placeOf(key));
  };
  for (const event of ["mouseover", "focusin"]) root.addEventListener(event, tell);
  root.addEventListener("mouseleave", tell);
}

/** Lights everything below `root` that stands for the line; undefined: nothing. Gives the first that is lit. */
export function lightLinked(root: HTMLElement, place: LinePlace | undefined): HTMLElement | undefined {
  const wanted = place && keyOf(place);
  let first: HTMLElement | undefined;
  for (const element of root.querySelectorAll<HTMLElement>("[data-place]")) {
    const isLit = element.dataset["place"] === wanted;
    element.classList.toggle("lit", isLit);
    if (isLit) first ??= element;
  }
  return first;
}

/** The last line from `first` to `place` that something below `root` stands for. */
export function nearestLinked(root: HTMLElement, { file, line }: LinePlace, first: number): LinePlace | undefined {
  let nearest: LinePlace | undefined;
  for (const element of root.querySelectorAll<HTMLElement>("[data-place]")) {
    const place = placeOf(element.dataset["place"] ?? "");
    if (place.file === file && place.line >= first && place.line <= line && place.line > (nearest?.line ?? 0))
      nearest = place;
  }
  return nearest;
}

function keyOf({ file, line }: LinePlace): string {
  return `${file}:${line}`;
}

function placeOf(key: string): LinePlace {
  const colon = key.lastIndexOf(":");
  return { file: key.slice(0, colon), line: Number(key.slice(colon + 1)) };
}
