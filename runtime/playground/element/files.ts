/** The files of an element: those that `src` names, and texts within it. */
import type { InputFile } from "../protocol.ts";

/** Something that is wrong with how an element is written, or that its files cannot be had. */
export class ElementTrouble extends Error {}

/** Addresses that `src` names, in their order, each once. */
export function namesIn(src: string): readonly string[] {
  return [...new Set(src.split(/\s+/).filter((name) => name !== ""))];
}

/** The file at an address, which is relative to the page. Throws `ElementTrouble`. */
export async function fetchFile(name: string): Promise<InputFile> {
  if (!URL.canParse(name, document.baseURI))
    throw new ElementTrouble(`src: expected the address of a file, found ${name}`);
  const address = new URL(name, document.baseURI);
  if (address.protocol === "file:")
    throw new ElementTrouble(
      `${name}: a page that is a file itself may read no other one: put the text into <script type="text/yaml"> within the element`,
    );
  if (address.origin !== location.origin)
    throw new ElementTrouble(`${name}: expected a file of this site (${location.origin}), found ${address.origin}`);
  const response = await get(name, address);
  if (!response.ok) throw new ElementTrouble(`${name}: ${`${response.status} ${response.statusText}`.trim()}`);
  return { name, text: await response.text() };
}

async function get(name: string, address: URL): Promise<Response> {
  try {
    return await fetch(address, { mode: "same-origin", credentials: "same-origin" });
  } catch (error) {
    throw new ElementTrouble(`${name}: cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Scripts of YAML or JSON within the element; `data-name` is the name of the file. */
export function inlineFiles(element: Element): readonly InputFile[] {
  return [...element.querySelectorAll<HTMLScriptElement>('script[type$="yaml"], script[type$="json"]')].map(
    (script, i) => ({
      name: script.dataset["name"] ?? (i === 0 ? "inline" : `inline-${i + 1}`),
      text: withoutIndent(script.text),
    }),
  );
}

/** Without the blanks that all lines begin with: a page indents what stands in its elements. */
function withoutIndent(text: string): string {
  const indents = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.length - line.trimStart().length);
  const common = Math.min(...indents);
  return indents.length === 0 || common === 0 ? text : text.replaceAll(new RegExp(`^ {${common}}`, "gm"), "");
}
