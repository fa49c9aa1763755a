/** Geometry of lines. */
import type { ScenePoint } from "./scene.ts";

/** The polyline `points`, moved by `distance` to the right of its direction: who goes the other way on the same wire is then on the other
 *  side, as in traffic that keeps to the right. */
export function keptRight(points: readonly ScenePoint[], distance: number): ScenePoint[] {
  const normals = points.slice(1).map((point, i) => normalOf(points[i] ?? point, point));
  return points.map(([x, y], i) => {
    const before = normals[i - 1] ?? normals[i] ?? [0, 0];
    const after = normals[i] ?? before;
    const isStraight = Math.abs(before[0] - after[0]) + Math.abs(before[1] - after[1]) < 1e-6;
    const [nx, ny] = isStraight ? after : [before[0] + after[0], before[1] + after[1]];
    return [x + nx * distance, y + ny * distance];
  });
}

/** What points to the right of who goes from `a` to `b`, of length 1. */
function normalOf([ax, ay]: ScenePoint, [bx, by]: ScenePoint): ScenePoint {
  const length = Math.hypot(bx - ax, by - ay) || 1;
  return [(ay - by) / length, (bx - ax) / length];
}

/** The corners of an arrow head: its tip, then the two behind it. */
export function arrowCorners([ax, ay]: ScenePoint, tip: ScenePoint, size: number): readonly ScenePoint[] {
  const [nx, ny] = normalOf([ax, ay], tip);
  const [ux, uy] = [ny, -nx];
  const [x, y] = [tip[0] - ux * size * 1.3, tip[1] - uy * size * 1.3];
  return [tip, [x - nx * size * 0.7, y - ny * size * 0.7], [x + nx * size * 0.7, y + ny * size * 0.7]];
}
