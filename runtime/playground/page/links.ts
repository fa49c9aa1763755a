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

/** Lights everything below `root` that stands for the line; undefined: nothing. */
export function lightLinked(root: HTMLElement, place: LinePlace | undefined): void {
  const wanted = place && keyOf(place);
  for (const element of root.querySelectorAll<HTMLElement>("[data-place]"))
    element.classList.toggle("lit", element.dataset["place"] === wanted);
}

function keyOf({ file, line }: LinePlace): string {
  return `${file}:${line}`;
}

function placeOf(key: string): LinePlace {
  const colon = key.lastIndexOf(":");
  return { file: key.slice(0, colon), line: Number(key.slice(colon + 1)) };
}
