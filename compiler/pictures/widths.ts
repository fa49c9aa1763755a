/** How wide text is, without fonts: bounds above the usual system fonts, so that boxes that hold here hold in a browser. */
import type { SceneText, TextSize, TextSpan } from "./scene.ts";

/** Characters with the advance that none of them exceeds, in em: regular, bold. DejaVu Sans is the widest of the usual fonts; some capitals
 *  are wider in Liberation Sans, which is as wide as Arial. */
const SANS: readonly (readonly [characters: string, regular: number, bold: number])[] = [
  ["'ijl", 0.29, 0.35],
  [" ,.·/\\|:;I", 0.34, 0.4],
  ["()[]-!ftr", 0.41, 0.49],
  ['"`*szJ', 0.52, 0.6],
  ["?_–ckvxyL", 0.6, 0.67],
  ["$0123456789{}abdeghnopquEFT", 0.64, 0.72],
  ["ABKPSVXYZ", 0.7, 0.77],
  ["&CDGHNOQRU◆", 0.79, 0.87],
  ["#+<=>^~⇒✓✕⊗×≥≤Mw", 0.87, 1],
  ["%@mW…→—", 1.03, 1.11],
];

const ADVANCE: ReadonlyMap<string, readonly [number, number]> = new Map(
  SANS.flatMap(([characters, regular, bold]) =>
    [...characters].map((character) => [character, [regular, bold]] as const),
  ),
);

const MONO = 0.62;

/** Of characters that the fonts may have from elsewhere, and of those that are square: ideographs, emoji. */
const FOREIGN = 1.11;
const SQUARE = 1.4;

/** The most that `text` takes in one line, in pixels. */
export function spanWidth({ text, isMono = false, isBold = false }: TextSpan, size: TextSize): number {
  let em = 0;
  for (const character of text) em += advanceOf(character, isMono, isBold);
  return em * size;
}

function advanceOf(character: string, isMono: boolean, isBold: boolean): number {
  const code = character.codePointAt(0) ?? 0;
  if (isMono && code < 0x250) return MONO;
  const known = ADVANCE.get(character);
  if (known !== undefined) return isBold ? known[1] : known[0];
  return code >= 0x1100 && !(code >= 0x2000 && code < 0x2600) ? SQUARE : FOREIGN;
}

/** The most that the parts of a line take together, in pixels. */
export function lineWidth(spans: readonly TextSpan[], size: TextSize): number {
  return spans.reduce((sum, span) => sum + spanWidth(span, size), 0);
}

/** How wide the mark with a step's number is. */
export function numberWidth(label: string): number {
  return Math.max(22, 10 + label.length * 9);
}

/** The rectangle that holds a line of text, with the room that letters need above and below the base line. */
export function textBounds({ x, y, size, anchor, spans }: SceneText): {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
} {
  const width = lineWidth(spans, size);
  const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
  return { left, right: left + width, top: y - 0.93 * size, bottom: y + 0.24 * size };
}

/** `text` in lines of at most `width` pixels: broken at spaces; words that are longer after / . : , or -, else anywhere. At least one line.
 *  `style`: how it is written. */
export function wrapped(text: string, width: number, size: TextSize, style: Omit<TextSpan, "text"> = {}): string[] {
  const fits = (part: string): boolean => spanWidth({ ...style, text: part }, size) <= width;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    let rest = [...word];
    while (!fits(rest.join("")) && rest.length > 1) {
      const cut = cutOf(rest, fits);
      lines.push(rest.slice(0, cut).join(""));
      rest = rest.slice(cut);
    }
    line = rest.join("");
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

/** How many characters of a word stay in the line: up to the last of / . : , - in its second half, else as many as fit. */
function cutOf(word: readonly string[], fits: (part: string) => boolean): number {
  let most = word.length;
  while (most > 1 && !fits(word.slice(0, most).join(""))) most--;
  for (let at = most; at > most / 2; at--) if ("/.:,-".includes(word[at - 1] ?? "")) return at;
  return most;
}

/** `text` with at most `most` characters; the middle makes room, as beginnings and ends tell names and places apart. */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  const tail = Math.floor((most - 1) / 2);
  return `${characters.slice(0, head).join("")}…${tail === 0 ? "" : characters.slice(-tail).join("")}`;
}
