/** Values of a document together with the way to them. */
import type { Origin, Span } from "../diagnostics.ts";
import { show } from "./show.ts";
import type { Document, Path } from "./types.ts";

/** A value in a document. Making one is cheap; finding its place in the text is not, and happens on demand. Fields are kept
 *  to say where something stands: one whose value nobody has asked for does not keep it. */
export class Field implements Origin {
  private readonly parent: Field | Document;
  private readonly step: string | number | undefined;
  private held: unknown;

  /** `held` is the value where it is at hand. */
  private constructor(parent: Field | Document, step: string | number | undefined, held?: unknown) {
    this.parent = parent;
    this.step = step;
    this.held = held;
  }

  /** The root of `document`. */
  static root(document: Document): Field {
    return new Field(document, undefined);
  }

  get value(): unknown {
    const { parent, step } = this;
    if (step === undefined) return parent.value;
    this.held ??= (parent.value as Readonly<Record<string | number, unknown>>)[step];
    return this.held;
  }

  /** The member `key` of this object; undefined when there is none, or null, which the API treats alike. */
  get(key: string): Field | undefined {
    const { value } = this;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    const member = (value as Record<string, unknown>)[key];
    return member === undefined || member === null ? undefined : new Field(this, key, member);
  }

  /** The member `key`, null or not. */
  member(key: string): Field {
    return new Field(this, key);
  }

  /** The element `index` of this array. */
  item(index: number): Field {
    return new Field(this, index);
  }

  /** The elements of this array. */
  items(): Field[] {
    const { value } = this;
    return Array.isArray(value) ? value.map((item: unknown, index) => new Field(this, index, item)) : [];
  }

  span(): Span {
    return this.document().locate(this.path(), "value");
  }

  /** The name of this member instead of its value: for findings about the name. */
  key(): Origin {
    return { span: () => this.document().locate(this.path(), "key") };
  }

  document(): Document {
    let { parent } = this;
    while (parent instanceof Field) parent = parent.parent;
    return parent;
  }

  /** The path in the API's own spelling below the object at `root`: `spec.ports[0].nodePort`; keys that are no field
   *  names in brackets: `metadata.labels[kubernetes.io/service-name]`. */
  fieldPath(root: Field): string {
    let text = "";
    for (const step of this.path().slice(root.path().length)) {
      if (typeof step === "number") text += `[${step}]`;
      else if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) text += text === "" ? step : `.${step}`;
      else text += /^[A-Za-z0-9_./-]+$/.test(step) ? `[${step}]` : `[${show(step)}]`;
    }
    return text;
  }

  private path(): Path {
    let depth = 0;
    for (let { parent } = this as Field; parent instanceof Field; parent = parent.parent) depth++;
    const steps = new Array<string | number>(depth);
    // The root has no step.
    for (let field: Field = this; depth > 0; field = field.parent as Field)
      steps[--depth] = field.step as string | number;
    return steps;
  }
}
