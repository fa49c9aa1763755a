/** The colours of pictures, by what they mean, in both schemes. No meaning rests on a colour alone: a shape, a word or a mark says it, too. */

export type ColourScheme = "light" | "dark";

export type Colour = keyof typeof COLOURS;

export const COLOURS = {
  /** Ground of the picture. */
  bg: { light: "#FFFFFF", dark: "#0F141A" },
  /** Ground of a node. */
  panel: { light: "#F4F6F8", dark: "#171E27" },
  /** Ground of a pod or a chain. */
  card: { light: "#FFFFFF", dark: "#202A35" },
  /** Bridges, switches, heads of base chains. */
  bar: { light: "#D9E0E8", dark: "#303C4A" },
  /** Wires and frames. */
  line: { light: "#AEB8C4", dark: "#4C5A6A" },
  /** Rules of a table. */
  hair: { light: "#DFE4EA", dark: "#2A3440" },
  /** Text. */
  ink: { light: "#18212B", dark: "#EDF1F5" },
  /** Second text. */
  dim: { light: "#556170", dark: "#A3AFBC" },
  /** A request; in pictures without a walk what was asked for, and counts. */
  req: { light: "#BF3F0A", dark: "#FF9A5C" },
  /** A reply. */
  rep: { light: "#0A5FA5", dark: "#72BAF5" },
  /** Addresses that exist only in rules; what a rule does with a packet. */
  svc: { light: "#6A3FA0", dark: "#C5A8F8" },
  /** A check mark. */
  ok: { light: "#00695C", dark: "#5CCBB8" },
  /** A finding. Nothing else is yellow. */
  mark: { light: "#FFE27A", dark: "#5C4900" },
  /** Text on `mark`. */
  markInk: { light: "#332600", dark: "#FFF0B8" },
  /** Frame of a finding. */
  markLine: { light: "#A87B00", dark: "#E3BC45" },
  /** Numbers on `req`. */
  onReq: { light: "#FFFFFF", dark: "#26120A" },
  /** Numbers on `rep`. */
  onRep: { light: "#FFFFFF", dark: "#07192A" },
} as const satisfies Readonly<Record<string, Readonly<Record<ColourScheme, string>>>>;
