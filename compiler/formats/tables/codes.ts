/** Behaviours as the engine numbers them, and the codes that each of them has. */
import * as L from "../../../assembly/layout.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import type { Default, EndpointTreatment, TableAnswer, Tabulation, Treatment } from "../../tabulate/types.ts";
import { REJECTS, VERDICTS } from "./words.ts";

/** Collects the behaviours that rows and defaults name; extended rows have some of their own. Throws `Unsupported` where they are too many. */
export class Codes {
  private readonly behaviours: { readonly number: number; readonly extra: number }[] = [];
  private readonly behaviourNumbers = new Map<number, number>();
  private readonly reasonNumbers: Map<string, number>;

  /** `reasons`: those that have numbers already. */
  constructor(reasons: readonly string[] = []) {
    this.reasonNumbers = new Map(reasons.map((reason, number) => [reason, number]));
  }

  /** The engine's number of a behaviour whose codes have the bits `extra` set. */
  behaviour(number: number, extra: number): number {
    const key = number * 2 ** 16 + extra;
    let found = this.behaviourNumbers.get(key);
    if (found === undefined) {
      found = this.behaviours.push({ number, extra }) - 1;
      if (found >= L.MAX_BEHAVIOURS) throw new Unsupported(`more than ${L.MAX_BEHAVIOURS} ways to treat packets`);
      this.behaviourNumbers.set(key, found);
    }
    return found;
  }

  /** The word of behaviours for packets that no row is about. */
  defaultWord({ new: fresh, invalid, untracked }: Default): number {
    return (
      this.behaviour(fresh, 0) |
      (this.behaviour(invalid, 0) << L.DEFAULT_INVALID_SHIFT) |
      (this.behaviour(untracked, 0) << L.DEFAULT_UNTRACKED_SHIFT)
    );
  }

  /** How many behaviours there are. */
  get count(): number {
    return this.behaviours.length;
  }

  /** The texts of reasons, by their numbers in codes that were asked for. */
  get reasons(): string[] {
    return [...this.reasonNumbers.keys()];
  }

  /** The codes of all behaviours that were collected: a block for each kind of interface. */
  ofBehaviours({ behaviours, interfaces }: Tabulation): Uint32Array {
    return Uint32Array.from(
      interfaces.matches.flatMap((_, kind) =>
        this.behaviours.flatMap(({ number, extra }) => this.codesOf(behaviours[number]?.[kind] ?? [], extra)),
      ),
    );
  }

  /** The codes of answers, one for each kind of source, with the bits `extra` set. */
  codesOf(answers: readonly TableAnswer[], extra: number): number[] {
    return answers.map((answer) => (this.code(answer) | extra) >>> 0);
  }

  /** The codes of what becomes of packets at endpoints, in the same order. */
  ofTreatments({ endpointTreatments, interfaces }: Tabulation): Uint32Array {
    const codes = interfaces.matches.flatMap((_, kind) =>
      endpointTreatments.flatMap((endpointTreatment: EndpointTreatment) =>
        this.treatmentCodes(endpointTreatment[kind] ?? []),
      ),
    );
    if (endpointTreatments.length > MAX_TREATMENTS)
      throw new Unsupported(`more than ${MAX_TREATMENTS} treatments of endpoints`);
    return Uint32Array.from(codes);
  }

  /** The codes of what becomes of packets at an endpoint, one for each kind of source. */
  treatmentCodes(answers: EndpointTreatment[number]): number[] {
    return answers.map((answer) => this.code({ ...answer, reasons: [] }));
  }

  private code({ list, asksEndpoint, sticky, hairpin, reasons, ...plain }: TableAnswer): number {
    const reason = reasons.join("; ");
    const number = this.reasonNumbers.get(reason) ?? this.reasonNumbers.size;
    this.reasonNumbers.set(reason, number);
    if (number >= MAX_REASONS) throw new Unsupported(`more than ${MAX_REASONS} reasons`);
    return (
      (treatmentBits(plain) |
        (hairpin === undefined ? 0 : L.CODE_HAIRPIN | (treatmentBits(hairpin) << L.CODE_HAIRPIN_SHIFT)) |
        (list === 1 || list === 3 ? L.CODE_SECOND : 0) |
        (list === 2 || list === 3 ? L.CODE_THIRD : 0) |
        (asksEndpoint ? L.CODE_ASK_ENDPOINT : 0) |
        (sticky ? L.STICKY : 0) |
        (number << L.CODE_REASON_SHIFT)) >>>
      0
    );
  }
}

const MAX_TREATMENTS = 0xfffe;
const MAX_REASONS = 2 ** (32 - L.CODE_REASON_SHIFT);

function treatmentBits({ verdict, rejectWith, masquerade }: Treatment): number {
  const kind = rejectWith === undefined ? 0 : REJECTS.indexOf(rejectWith);
  if (kind < 0) throw new Unsupported(`reject with ${rejectWith}`);
  const reject = kind << L.REJECT_SHIFT;
  return VERDICTS[verdict] | reject | (masquerade ? L.MASQUERADE : 0);
}
