/** The sets and maps that a step of a rule names. */
import type { Expression, Step } from "./types.ts";

export function* setsIn(step: Step): Generator<string> {
  switch (step.kind) {
    case "compare":
    case "within":
    case "name-prefix":
      yield* mapsIn(step.left);
      return;
    case "member":
      yield step.set;
      yield* mapsIn(step.key);
      return;
    case "vmap":
      if (typeof step.map === "string") yield step.map;
      yield* mapsIn(step.key);
      return;
    case "dnat":
    case "snat":
      if (step.to.kind === "map") {
        yield step.to.map;
        yield* mapsIn(step.to.key);
      }
      return;
    case "set":
      yield* mapsIn(step.value);
      return;
    case "remember":
      yield step.set;
      yield* mapsIn(step.key);
      return;
    default:
      return;
  }
}

function* mapsIn(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case "lookup":
      yield expression.map;
      yield* mapsIn(expression.key);
      return;
    case "bitwise":
    case "shift":
      yield* mapsIn(expression.operand);
      return;
    case "combine":
      yield* mapsIn(expression.left);
      yield* mapsIn(expression.right);
      return;
    case "concat":
      for (const part of expression.parts) yield* mapsIn(part);
      return;
    default:
      return;
  }
}
