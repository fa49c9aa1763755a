/** A picture over the whole page. */
import { h } from "../dom.ts";

/** A button that shows what is in `frame` as large as the page. Escape leads back, to the button. */
export function enlargeButton(frame: HTMLElement): HTMLElement {
  const button = h("button", { type: "button", class: "enlarge" }, "Enlarge");
  button.addEventListener("click", () => {
    const close = h("button", {}, "Close");
    const dialog = h("dialog", { class: "enlarged", "aria-label": "picture" }, h("form", { method: "dialog" }, close));
    // Moved, not copied: ids of pictures stay unique.
    const pictures = [...frame.childNodes];
    const large = h("div", { class: "frame", tabindex: 0, role: "group", "aria-label": "picture" }, ...pictures);
    large.style.cssText = frame.style.cssText;
    dialog.append(large);
    dialog.addEventListener("close", () => {
      frame.replaceChildren(...pictures);
      dialog.remove();
    });
    const root = frame.getRootNode();
    (root instanceof ShadowRoot ? root : document.body).append(dialog);
    dialog.showModal();
  });
  return button;
}
