/** Endpoints that differ from a sample in their addresses and nodes alone. */
import type { Source } from "../diagnostics.ts";
import type { ElementForm } from "../documents/alike-elements.ts";
import type { Context } from "../documents/decode.ts";
import { Field } from "../documents/field.ts";
import type { AlikeList } from "../documents/types.ts";
import type { Family } from "../net/address.ts";
import { soundAddressOf, specialProblem } from "./address.ts";
import { dns1123SubdomainProblems } from "./names.ts";
import { type Fitting, type Pattern, readShape } from "./shape.ts";
import type { EndpointSliceSpec, EndpointSpec } from "./types.ts";

/** Decodes an endpoint that fits its pattern, and reports what is wrong with it. */
type Decode<S> = (context: Context, field: Field, fields: Fitting<S>, addressType: Family) => EndpointSpec;

/** The endpoints whose list is at `list`; undefined where there is something to report of one. */
export function decodeAlike<S>(
  list: Field,
  { elements }: AlikeList,
  addressType: EndpointSliceSpec["addressType"],
  pattern: Pattern<S>,
  decode: Decode<S>,
): readonly EndpointSpec[] | undefined {
  if (addressType === "FQDN") return undefined;
  const endpoints: EndpointSpec[] = [];
  for (const { form, texts } of elements) {
    const sample = sampleOf(form, addressType, pattern, decode);
    if (sample === undefined) return undefined;
    const { spec, nodeNames } = sample;
    const [, text = "", word] = texts;
    const address = soundAddressOf(addressType, text);
    if (address === undefined || specialProblem(address) !== undefined) return undefined;
    let nodeName = spec.nodeName;
    if (word !== undefined) {
      nodeName = nodeNames.get(word);
      if (nodeName === undefined) {
        if (word !== "" && dns1123SubdomainProblems(word).length > 0) return undefined;
        nodeName = word;
        nodeNames.set(word, word);
      }
    }
    endpoints.push({
      addresses: [address],
      ready: spec.ready,
      serving: spec.serving,
      terminating: spec.terminating,
      nodeName,
      zoneHints: spec.zoneHints,
      nodeHints: spec.nodeHints,
      field: list.item(endpoints.length),
    });
  }
  return endpoints;
}

/** An endpoint that a form was made of, and the sound names of nodes that others of the form had, each as one string. */
interface Sample {
  readonly spec: EndpointSpec;
  readonly nodeNames: Map<string, string>;
}

/** By what the reader of one text has learned. Undefined where the endpoint is not right, or others may differ in more. */
const SAMPLES: Readonly<Record<Family, WeakMap<ElementForm, Sample | undefined>>> = {
  IPv4: new WeakMap(),
  IPv6: new WeakMap(),
};

function sampleOf<S>(
  form: ElementForm,
  addressType: Family,
  pattern: Pattern<S>,
  decode: Decode<S>,
): Sample | undefined {
  const samples = SAMPLES[addressType];
  const known = samples.get(form);
  if (known !== undefined || samples.has(form)) return known;
  let isRight = form.read[0] === "addresses.0" && form.read[1] !== "addresses.0";
  const locate = () => ({ source: NOWHERE, start: 0, end: 0 });
  const root = Field.root({ source: NOWHERE, value: form.sample, locate });
  const context: Context = { report: () => (isRight = false), root, subject: "" };
  const fields = readShape(context, root, pattern);
  const spec = fields && decode(context, root, fields, addressType);
  const sample = isRight && spec !== undefined ? { spec, nodeNames: new Map<string, string>() } : undefined;
  samples.set(form, sample);
  return sample;
}

const NOWHERE: Source = { name: "", text: "" };
