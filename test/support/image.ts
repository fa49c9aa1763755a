/// <reference lib="dom" />
/** Images as pixels: read by a browser, compared by what eyes see of them, and written with few colours. */
import type { Browser } from "playwright-core";
import type { IndexedImage } from "./png.ts";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB of each, in rows from above, each from the left. */
  readonly colours: Uint32Array;
}

/** Pixels of the side of a square whose mean colour is compared: how a machine draws letters is not seen in it. */
const SQUARE = 16;

/** How much, of 255, a mean differs by in a square that shows something else. */
const OTHER = 12;

/** The pixels of a PNG file. */
export async function decodePng(browser: Browser, png: Buffer): Promise<Pixels> {
  const page = await browser.newPage();
  const { width, height, bytes } = await page.evaluate(pixelsIn, png.toString("base64"));
  await page.close();
  const rgba = Buffer.from(bytes, "base64");
  const colours = new Uint32Array(width * height);
  for (let i = 0; i < colours.length; i++) colours[i] = rgba.readUInt32BE(4 * i) >>> 8;
  return { width, height, colours };
}

/** Runs in a page: red, green, blue and opacity of each pixel, as base64. */
async function pixelsIn(png: string): Promise<{ width: number; height: number; bytes: string }> {
  const file = new Blob([Uint8Array.from(atob(png), (character) => character.charCodeAt(0))]);
  const image = await createImageBitmap(file);
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas?.drawImage(image, 0, 0);
  const data = canvas?.getImageData(0, 0, width, height).data ?? [];
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.slice(i, i + 8192));
  return { width, height, bytes: btoa(text) };
}

/** The share of squares in which two images show something else, from 0 to 1. Images of different sizes have nothing in common. */
export function differingShare(a: Pixels, b: Pixels): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  const [left, right] = [meanColours(a), meanColours(b)];
  const others = left.filter((mean, i) =>
    mean.some((value, channel) => Math.abs(value - (right[i]?.[channel] ?? 0)) > OTHER),
  );
  return others.length / left.length;
}

type MeanColour = readonly [red: number, green: number, blue: number];

function meanColours({ width, height, colours }: Pixels): MeanColour[] {
  const found: MeanColour[] = [];
  for (let top = 0; top < height; top += SQUARE)
    for (let left = 0; left < width; left += SQUARE) {
      const [right, bottom] = [Math.min(left + SQUARE, width), Math.min(top + SQUARE, height)];
      let [red, green, blue] = [0, 0, 0];
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++) {
          const colour = colours[y * width + x] ?? 0;
          red += colour >> 16;
          green += (colour >> 8) & 255;
          blue += colour & 255;
        }
      const count = (right - left) * (bottom - top);
      found.push([red / count, green / count, blue / count]);
    }
  return found;
}

/** The image in 256 of its colours, each other one as the nearest of them. */
export function withPalette({ width, height, colours }: Pixels): IndexedImage {
  const counts = new Map<number, number>();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const { palette, places } = choosePalette(counts);
  return { width, height, palette, pixels: Uint8Array.from(colours, (colour) => places.get(colour) ?? 0) };
}

/** Takes the colour again and again that is farthest from those that are chosen, for how many pixels have it. So a colour of few pixels that is
 *  like no other one is there, too. `places`: of each colour, the nearest one's. */
function choosePalette(counts: ReadonlyMap<number, number>): {
  readonly palette: readonly number[];
  readonly places: ReadonlyMap<number, number>;
} {
  const all = [...counts.keys()].sort((a, b) => a - b);
  const nearest = new Map(all.map((colour) => [colour, { place: 0, distance: Number.POSITIVE_INFINITY }]));
  const palette: number[] = [];
  while (palette.length < Math.min(256, all.length)) {
    const weight = (colour: number): number => {
      const distance = nearest.get(colour)?.distance ?? 0;
      return distance === 0 ? 0 : Math.sqrt(counts.get(colour) ?? 0) * Math.min(distance, 3 * 256 ** 2);
    };
    const next = all.reduce((best, colour) => (weight(colour) > weight(best) ? colour : best));
    for (const colour of all) {
      const distance = distanceOf(colour, next);
      if (distance < (nearest.get(colour)?.distance ?? 0)) nearest.set(colour, { place: palette.length, distance });
    }
    palette.push(next);
  }
  return { palette, places: new Map([...nearest].map(([colour, { place }]) => [colour, place])) };
}

/** Square of the distance. */
function distanceOf(a: number, b: number): number {
  return ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
}
