/** The border between files and answers, which moves by pointer and by arrow keys; and which of both a small screen shows. */
import { byId } from "./dom.ts";

/** Per cent of the width that files have. */
const [LEAST, USUAL, MOST] = [15, 31, 70];
const KEY = "kpc-files-width";

export function listenToBorder(): void {
  const border = byId("border");
  const main = border.parentElement ?? border;
  let width = USUAL;
  const move = (wanted: number): void => {
    width = Math.round(Math.min(MOST, Math.max(LEAST, wanted)) * 10) / 10;
    main.style.setProperty("--files", `${width}%`);
    border.setAttribute("aria-valuenow", String(Math.round(width)));
    remember(width);
  };
  move(remembered());
  border.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    border.focus();
    border.setPointerCapture(event.pointerId);
  });
  border.addEventListener("pointermove", ({ pointerId, clientX }) => {
    const { left, width: whole } = main.getBoundingClientRect();
    if (border.hasPointerCapture(pointerId)) move(((clientX - left) / whole) * 100);
  });
  border.addEventListener("dblclick", () => move(USUAL));
  border.addEventListener("keydown", (event) => {
    const wanted = { ArrowLeft: width - 2, ArrowRight: width + 2, Home: LEAST, End: MOST, Enter: USUAL }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    move(wanted);
  });
}

/** Pages of files may have no storage: then the width is that of this page alone. */
function remember(width: number): void {
  try {
    sessionStorage.setItem(KEY, String(width));
  } catch {
    // Nothing is lost but the width.
  }
}

function remembered(): number {
  try {
    return Number(sessionStorage.getItem(KEY)) || USUAL;
  } catch {
    return USUAL;
  }
}

/** On a small screen: the files, or the answer. */
export function showFilesPane(isShown: boolean): void {
  document.body.classList.toggle("shows-files", isShown);
}
