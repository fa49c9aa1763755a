/** A comparison, as the views of it show it. */
import type { ComparisonResult, PlaceData } from "../../../compiler/index.ts";
import type { ComparisonReport, ExamplePacket, ExampleSide } from "../protocol.ts";

/** Those members of the data, which docs/json.md describes, that are shown one by one. */
interface ComparedData {
  readonly counterexamples: readonly Counterexample[];
  readonly services?: readonly ServiceData[];
}

interface ServiceData {
  /** Null: no Service has `destination`. */
  readonly service: string | null;
  readonly destination?: string;
  readonly change: "missing" | "extra" | "changed";
  /** Addresses and ports that one side alone has. */
  readonly ports: { readonly missing: readonly string[]; readonly extra: readonly string[] };
  readonly differences: readonly string[];
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
    services: services.map((each) => ({
      service: each.service ?? each.destination ?? "other destinations",
      differences: [...portsIn(each), ...each.differences],
    })),
    examples: counterexamples.map(exampleOf),
    text,
  };
}

/** `ports: - 10.96.0.20:80/tcp, + 10.96.0.20:8080/tcp`, and nothing where both sides have the same. */
function portsIn({ change, ports: { missing, extra } }: ServiceData): string[] {
  const signed = [...missing.map((port) => `- ${port}`), ...extra.map((port) => `+ ${port}`)];
  if (signed.length === 0) return [];
  const more = signed.length - MOST_PORTS;
  const list = [...signed.slice(0, MOST_PORTS), ...(more > 0 ? [`… and ${more} more`] : [])].join(", ");
  return [`${change === "changed" ? "ports" : change}: ${list}`];
}

const MOST_PORTS = 8;

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
