/** A comparison, as the views of it show it. */
import type { ComparisonResult, PlaceData } from "../../../compiler/index.ts";
import type { ComparisonReport, ExamplePacket, ExampleSide } from "../protocol.ts";

/** Those members of the data, which docs/json.md describes, that are shown one by one. */
interface ComparedData {
  readonly counterexamples: readonly Counterexample[];
  readonly services?: readonly { readonly service: string | null; readonly differences: readonly string[] }[];
}

interface Counterexample {
  /** Null: no single packet is one. */
  readonly trace: string | null;
  /** Chances by what happens. */
  readonly left: Readonly<Record<string, number>>;
  readonly right: Readonly<Record<string, number>>;
  readonly leftRules: readonly DecidingRule[];
  readonly rightRules: readonly DecidingRule[];
}

type DecidingRule = PlaceData & { readonly chain: string; readonly rule: string };

export function reportOf({ verdict, text, data }: ComparisonResult): ComparisonReport {
  const { counterexamples, services = [] } = data as unknown as ComparedData;
  return {
    verdict,
    services: services.map(({ service, differences }) => ({ service: service ?? "other destinations", differences })),
    examples: counterexamples.map(exampleOf),
    text,
  };
}

function exampleOf({ trace, left, right, leftRules, rightRules }: Counterexample): ExamplePacket {
  return { packet: trace, sides: [sideOf(left, leftRules), sideOf(right, rightRules)] };
}

function sideOf(outcomes: Counterexample["left"], rules: Counterexample["leftRules"]): ExampleSide {
  return {
    outcomes: Object.entries(outcomes).map(([text, probability]) => ({ text, probability })),
    rules: rules.map(({ chain, rule, file, line }) => ({
      text: `${chain}: ${rule}`,
      ...(file === undefined || line === undefined ? {} : { place: { file, line } }),
    })),
  };
}
