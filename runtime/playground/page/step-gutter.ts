/** Numbers of the walk's steps, beside the lines of the editor that they come from. */
import { type Extension, RangeSet, StateEffect, StateField, type Text, type TransactionSpec } from "@codemirror/state";
import { GutterMarker, gutter } from "@codemirror/view";
import type { StepLine } from "../protocol.ts";
import { h } from "./dom.ts";

class Numbers extends GutterMarker {
  private readonly steps: readonly StepLine[];

  constructor(steps: readonly StepLine[]) {
    super();
    this.steps = steps;
  }

  override eq({ steps }: Numbers): boolean {
    return this.steps.length === steps.length && this.steps.every(({ number }, i) => number === steps[i]?.number);
  }

  override toDOM(): Node {
    return h(
      "span",
      {},
      ...this.steps.map(({ number, direction }) =>
        h("span", { class: direction, "data-step": number }, String(number)),
      ),
    );
  }
}

/** Those of lines that more steps come from are left out. */
const MOST = 3;

const numbered = StateEffect.define<RangeSet<Numbers>>();

const numbers = StateField.define<RangeSet<Numbers>>({
  create: () => RangeSet.empty,
  update: (shown, { effects, changes }) => {
    let now = shown.map(changes);
    for (const effect of effects) if (effect.is(numbered)) now = effect.value;
    return now;
  },
});

/** Shows the numbers of the steps that come from lines of the file, whose text is `doc`. */
export function numberLines(doc: Text, file: string, steps: readonly StepLine[]): TransactionSpec {
  const found = new Map<number, StepLine[]>();
  for (const step of steps)
    for (const line of new Set(step.lines.flatMap(({ place }) => (place?.file === file ? place.line : []))))
      if (line <= doc.lines) found.set(line, [...(found.get(line) ?? []), step]);
  const ranges = [...found].map(([line, own]) => new Numbers(own.slice(0, MOST)).range(doc.line(line).from));
  return { effects: numbered.of(RangeSet.of(ranges, true)) };
}

/** `onStep` is told which number was clicked. */
export function stepGutter(onStep: (number: string) => void): Extension {
  return [
    numbers,
    gutter({
      class: "cm-steps",
      markers: ({ state }) => state.field(numbers),
      domEventHandlers: {
        click: (_view, _line, { target }) => {
          const number = target instanceof HTMLElement ? target.dataset["step"] : undefined;
          if (number !== undefined) onStep(number);
          return number !== undefined;
        },
      },
    }),
  ];
}
