/** Elements, in short. Texts are only ever texts. */

type Child = Node | string | undefined;

/** An element. `attributes`: those that are undefined or false are left out, and true stands for the empty text; those of
 *  `aria-` are spelled out. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    const isStated = key.startsWith("aria-") && value !== undefined;
    if (isStated || (value !== undefined && value !== false))
      element.setAttribute(key, value === true && !isStated ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** The element of the page that has `id`. Throws where there is none. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}
