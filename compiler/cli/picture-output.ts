/** Flags of `kpc picture`, and how its scenes are printed. */
import type { ColourScheme } from "../pictures/colours.ts";
import { paint } from "../pictures/paint.ts";
import type { Scene } from "../pictures/scene.ts";
import { type CommonFlags, print } from "./session.ts";

export interface PictureFlags extends CommonFlags {
  readonly chains?: boolean;
  readonly cluster?: boolean;
  /** False with `--no-findings`. */
  readonly findings?: boolean;
  readonly chain?: string;
  readonly table?: string;
  readonly service?: string;
  readonly scheme?: ColourScheme;
  readonly transparent?: boolean;
  readonly output: "svg" | "mermaid";
}

/** Prints a scene as SVG. */
export async function printScene(scene: Scene, { scheme, transparent = false }: PictureFlags): Promise<void> {
  await print(paint(scene, { scheme, isTransparent: transparent }));
}
