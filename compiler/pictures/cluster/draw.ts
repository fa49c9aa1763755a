/** A cluster as a scene: nodes above, what joins them below, then what is wrong. */
import type { Scene, SceneShape } from "../scene.ts";
import { boxAt, EDGE, lineOf, spansAt, textAt } from "../walk/shapes.ts";
import { shortened, spanWidth, wrapped } from "../widths.ts";
import { drawNodes } from "./nodes.ts";
import type { ClusterStory, FindingAtHost, StoryEdge } from "./story.ts";
import { countOf, drawTiles } from "./tiles.ts";

const WIDTH = 1280;
/** Up to so many nodes and pods, each pod has its name. */
const NAMED = { nodes: 4, pods: 24 };
const EDGE_BOX = { width: 220, height: 52, gap: 20 };
const MOST_EDGES = 5;
const MOST_FINDINGS = 8;

export function drawCluster(story: ClusterStory): Scene {
  const { nodes, findings = [], lan, edge } = story;
  const title = headlineOf(story);
  const lines = wrapped(title, WIDTH - 2 * EDGE, 24, { isBold: true });
  const shapes: SceneShape[] = lines.map((line, i) => textAt(EDGE, 52 + i * 32, line, { size: 24, isBold: true }));
  const top = 60 + lines.length * 32;
  const pods = nodes.reduce((sum, node) => sum + node.pods.length, 0);
  const isNamed = nodes.length <= NAMED.nodes && pods <= NAMED.pods;
  const drawn = isNamed ? drawNodes(nodes, top, WIDTH) : drawTiles(nodes, top, WIDTH);
  const key = keyOf(story, top - 2, drawn.note, isNamed);
  shapes.push(...key, ...drawn.shapes);
  let y = drawn.bottom + 20;
  if (lan !== undefined) {
    shapes.push(
      ...drawn.wires.map((x) =>
        lineOf(
          [
            [x, drawn.bottom],
            [x, y],
          ],
          "line",
          2,
        ),
      ),
    );
    shapes.push(boxAt(EDGE, y, WIDTH - 2 * EDGE, 36, { radius: 5, fill: "bar" }));
    shapes.push(textAt(EDGE + 16, y + 23, shortened(lan, 120), { isMono: true }));
    y += 36;
  }
  if (edge.length > 0) {
    shapes.push(...drawEdges(edge, y, lan !== undefined));
    y += 24 + EDGE_BOX.height;
  }
  if (findings.length > 0) {
    const card = findingCard(findings, y + 24);
    shapes.push(...card.shapes);
    y = card.bottom;
  }
  return { width: WIDTH, height: Math.ceil(y + 40), title, description: describedCluster(story), shapes };
}

function headlineOf({ service, nodes, findings }: ClusterStory): string {
  const pods = nodes.flatMap((node) => node.pods);
  const faults = findings === undefined || findings.length === 0 ? "" : `; ${countOf(findings.length, "finding")}`;
  if (service === undefined)
    return `The cluster: ${countOf(nodes.length, "node")}, ${countOf(pods.length, "pod")}${findings?.length === 0 ? "; no findings" : faults}`;
  const ready = pods.filter(({ part }) => part === "ready").length;
  const on = nodes.filter((node) => node.pods.some(({ part }) => part === "ready")).length;
  return `${service}: ${countOf(ready, "ready endpoint")} on ${on} of ${countOf(nodes.length, "node")}${faults}`;
}

/** What squares mean, and what is not drawn. */
function keyOf({ service, nodes, homeless }: ClusterStory, y: number, note: string, isNamed: boolean): SceneShape[] {
  const pods = nodes.flatMap((node) => node.pods);
  const count = (part: string): number => pods.filter((pod) => pod.part === part).length;
  const shapes: SceneShape[] = [];
  let x = EDGE;
  const add = (box: SceneShape | undefined, words: string): void => {
    if (box !== undefined) shapes.push(box);
    shapes.push(textAt(x + (box === undefined ? 0 : 20), y, words));
    x += spanWidth({ text: words }, 13) + (box === undefined ? 28 : 48);
  };
  if (service !== undefined) {
    add(boxAt(x, y - 10, 11, 11, { radius: 2, fill: "req" }), `ready (${count("ready")})`);
    if (count("not-ready") > 0)
      add(
        boxAt(x + 1, y - 9, 9, 9, { radius: 2, stroke: "req", strokeWidth: 1.5 }),
        `not ready (${count("not-ready")})`,
      );
  }
  if (!isNamed)
    add(
      boxAt(x, y - 10, 11, 11, { radius: 2, fill: "bar", stroke: "line" }),
      service === undefined ? "a pod" : "other pods",
    );
  const left = [note, homeless === 0 ? "" : `${countOf(homeless, "pod")} on no known node`]
    .filter((part) => part !== "")
    .join("; ");
  if (left !== "") add(undefined, left);
  return shapes;
}

function drawEdges(edge: readonly StoryEdge[], y: number, hasLan: boolean): SceneShape[] {
  const shown = edge.length > MOST_EDGES ? edge.slice(0, MOST_EDGES - 1) : edge;
  const more = edge.length - shown.length;
  const boxes = [...shown, ...(more === 0 ? [] : [{ name: `and ${more} more`, address: "", isOutside: true }])];
  return boxes.flatMap(({ name, address, isOutside }, i): SceneShape[] => {
    const x = EDGE + i * (EDGE_BOX.width + EDGE_BOX.gap);
    const room = EDGE_BOX.width - 32;
    const shownName = fittedName(name, room);
    return [
      // Who is outside is behind a gateway.
      ...(hasLan && !isOutside
        ? [
            lineOf(
              [
                [x + 40, y],
                [x + 40, y + 24],
              ],
              "line",
              2,
            ),
          ]
        : []),
      {
        kind: "group",
        tip: `${name} ${address}`.trim(),
        shapes: [
          boxAt(x, y + 24, EDGE_BOX.width, EDGE_BOX.height, {
            radius: 8,
            fill: "card",
            stroke: "ink",
            strokeWidth: 1.2,
            ...(isOutside ? { isDashed: true as const } : {}),
          }),
          textAt(x + 16, y + 46, shownName, { size: 14, isBold: true }),
          textAt(x + 16, y + 65, shortened(address, Math.floor(room / (13 * 0.62))), { isMono: true, colour: "dim" }),
        ],
      },
    ];
  });
}

function fittedName(name: string, width: number): string {
  let short = name;
  for (let most = [...name].length; most > 1 && spanWidth({ text: short, isBold: true }, 14) > width; most--)
    short = shortened(name, most - 1);
  return short;
}

function findingCard(
  findings: readonly FindingAtHost[],
  top: number,
): { readonly shapes: SceneShape[]; readonly bottom: number } {
  const width = WIDTH - 2 * EDGE;
  const texts: SceneShape[] = [];
  let y = top + 26;
  for (const { where, code, message, fix } of findings.slice(0, MOST_FINDINGS)) {
    texts.push(
      spansAt(
        EDGE + 16,
        y,
        [
          { text: `✕ ${where === undefined ? "" : `${shortened(where, 60)}  `}`, isBold: true, colour: "markInk" },
          { text: code, isMono: true, colour: "markInk" },
        ],
        14,
      ),
    );
    y += 19;
    for (const line of wrapped(message, width - 48, 13).slice(0, 3)) {
      texts.push(textAt(EDGE + 32, y, line, { colour: "markInk" }));
      y += 18;
    }
    if (fix !== undefined) {
      const lines = wrapped(`To fix: ${fix}`, width - 48, 13, { isMono: true });
      for (const line of lines.slice(0, 3)) {
        texts.push(textAt(EDGE + 32, y, line, { colour: "markInk", isMono: true }));
        y += 18;
      }
    }
    y += 8;
  }
  const more = findings.length - MOST_FINDINGS;
  if (more > 0) {
    texts.push(textAt(EDGE + 16, y, `and ${more} more: kpc check prints them`, { colour: "markInk", size: 14 }));
    y += 24;
  }
  const bottom = y - 10;
  return {
    shapes: [boxAt(EDGE, top, width, bottom - top, { radius: 8, fill: "mark", stroke: "markLine" }), ...texts],
    bottom,
  };
}

function describedCluster({ service, nodes, findings = [] }: ClusterStory): string {
  const lines = nodes.map(({ name, pods }) => {
    const mine = pods.filter(({ part }) => part !== "other").length;
    return `${name}: ${countOf(pods.length, "pod")}${service === undefined ? "" : `, ${mine} of ${service}`}.`;
  });
  const faults = findings.map(({ where, code, message }) => `${where ?? "The cluster"}: ${message} (${code}).`);
  return [...lines, ...faults].join(" ");
}
