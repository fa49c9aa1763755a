/** Few nodes: each a box, each pod with its name. */
import type { SceneShape } from "../scene.ts";
import { boxAt, EDGE, textAt } from "../walk/shapes.ts";
import { shortened, spanWidth } from "../widths.ts";
import type { StoryNode, StoryPod } from "./story.ts";
import { type DrawnNodes, squareOf } from "./tiles.ts";

const GAP = 24;
const POD = { height: 46, gap: 8, least: 220 };

export function drawNodes(nodes: readonly StoryNode[], top: number, width: number): DrawnNodes {
  const wide = Math.floor((width - 2 * EDGE - (nodes.length - 1) * GAP) / Math.max(nodes.length, 1));
  const perRow = Math.max(1, Math.floor((wide - 24 + POD.gap) / (POD.least + POD.gap)));
  const podWidth = Math.floor((wide - 24 - (perRow - 1) * POD.gap) / perRow);
  const rows = Math.max(...nodes.map(({ pods }) => Math.ceil(pods.length / perRow)), 1);
  const tall = 64 + rows * (POD.height + POD.gap) + 4;
  const y = top + 20;
  const shapes = nodes.flatMap((node, i): SceneShape[] => {
    const x = EDGE + i * (wide + GAP);
    return [
      ...nodeHead(node, x, y, wide, tall),
      ...node.pods.map((pod, k) =>
        drawnPod(
          pod,
          x + 12 + (k % perRow) * (podWidth + POD.gap),
          y + 60 + Math.floor(k / perRow) * (POD.height + POD.gap),
          podWidth,
        ),
      ),
    ];
  });
  return { shapes, bottom: y + tall, wires: nodes.map((_, i) => EDGE + i * (wide + GAP) + 40), note: "" };
}

function nodeHead(
  { name, zone, address, isFaulty }: StoryNode,
  x: number,
  y: number,
  width: number,
  height: number,
): SceneShape[] {
  const ink = isFaulty ? "markInk" : "ink";
  const right = isFaulty ? "✕" : zone === undefined ? "" : fitted(`zone ${zone}`, width / 2 - 24, 13, false);
  const room = width - 48 - spanWidth({ text: right }, 13);
  return [
    boxAt(x, y, width, height, {
      radius: 10,
      fill: "panel",
      stroke: isFaulty ? "markLine" : "line",
      strokeWidth: isFaulty ? 2 : 1.5,
    }),
    ...(isFaulty ? [boxAt(x + 1, y + 1, width - 2, 50, { radius: 9, fill: "mark" })] : []),
    textAt(x + 16, y + 24, fitted(name, room, 16, true), { size: 16, isBold: true, colour: ink }),
    textAt(x + 16, y + 44, shortened(address, 40), { isMono: true, colour: isFaulty ? "markInk" : "dim" }),
    ...(right === ""
      ? []
      : [textAt(x + width - 16, y + 24, right, { anchor: "end", colour: isFaulty ? "markInk" : "dim" })]),
  ];
}

function drawnPod({ name, address, part }: StoryPod, x: number, y: number, width: number): SceneShape {
  const isOff = part === "not-ready";
  const left = x + 14 + (part === "other" ? 0 : 18);
  return {
    kind: "group",
    tip: `${name} ${address}`,
    shapes: [
      boxAt(x, y, width, POD.height, {
        radius: 6,
        fill: "card",
        stroke: part === "other" ? "line" : "req",
        strokeWidth: 1.2,
        ...(isOff ? { isDashed: true as const } : {}),
      }),
      ...(part === "other" ? [] : [squareOf(part, x + 14, y + 10)]),
      textAt(left, y + 19, fitted(name, x + width - 12 - left, 14, true), { size: 14, isBold: true }),
      textAt(left, y + 37, shortened(address, Math.floor((x + width - 12 - left) / (13 * 0.62))), {
        isMono: true,
        colour: "dim",
      }),
    ],
  };
}

/** `text`, without its middle where it is wider than `width`. */
function fitted(text: string, width: number, size: 13 | 14 | 16, isBold: boolean): string {
  let short = text;
  for (let most = [...text].length; most > 1 && spanWidth({ text: short, isBold }, size) > width; most--)
    short = shortened(text, most - 1);
  return short;
}
