/** Elements of an array in a JSON text that differ in some strings alone, as endpoints of a cluster do: a regular expression made of one element
 *  reads the others, in a quarter of the time of JSON.parse. */
import { countMembers, hasMoreMembers, parseJson, skipSpace, skipValue } from "./json-text.ts";
import { isObject } from "./show.ts";

/** Which strings may differ, by their keys from the element on (`targetRef.name`; an element of an array counts as `0`): `read` ones are
 *  given, of others nobody wants to know. */
export interface Differing {
  readonly read: readonly string[];
  readonly unread: readonly string[];
}

/** What alike elements have in common. Compare by identity. */
export interface ElementForm {
  /** One of them. */
  readonly sample: unknown;
  /** Which of `Differing.read` it has, in the order of the text. */
  readonly read: readonly string[];
  readonly expression: RegExp;
}

export interface AlikeElement {
  readonly form: ElementForm;
  /** From number 1 on the strings of `form.read`. */
  readonly texts: RegExpExecArray;
}

/** More forms are a sign that elements are not alike. */
const MOST_FORMS = 16;

/** Reads arrays of alike elements; what it has learned of one array it knows in the next. */
export class AlikeElements {
  private readonly differing: Differing;
  /** The last one met first. */
  private readonly forms: ElementForm[] = [];

  constructor(differing: Differing) {
    this.differing = differing;
  }

  /** The elements of the array that is open at `open`, and the place of the bracket that closes it; undefined where they are not alike, or no
   *  JSON that ends before `end`. */
  read(
    text: string,
    open: number,
    end: number,
  ): { readonly elements: AlikeElement[]; readonly close: number } | undefined {
    const elements: AlikeElement[] = [];
    for (let at = open + 1; ; ) {
      const element = this.readElement(text, at) ?? this.learn(text, at, end);
      if (element === undefined) return undefined;
      elements.push(element);
      at = element.form.expression.lastIndex;
      if (at >= end) return undefined;
      if (text.charCodeAt(at - 1) === COMMA) continue;
      return text.charCodeAt(at) === CLOSE_BRACKET ? { elements, close: at } : undefined;
    }
  }

  private readElement(text: string, at: number): AlikeElement | undefined {
    const { forms } = this;
    for (let i = 0; i < forms.length; i++) {
      const form = forms[i] as ElementForm;
      form.expression.lastIndex = at;
      const texts = form.expression.exec(text);
      if (texts === null) continue;
      if (i > 0) {
        forms.splice(i, 1);
        forms.unshift(form);
      }
      return { form, texts };
    }
    return undefined;
  }

  /** Of the element behind `before`. */
  private learn(text: string, before: number, limit: number): AlikeElement | undefined {
    const start = skipSpace(text, before);
    if (this.forms.length === MOST_FORMS || text.charAt(start) !== "{") return undefined;
    const end = skipValue(text, start);
    if (end > limit || end - start > LONGEST) return undefined;
    const written = text.slice(start, end);
    const sample = parseJson(written);
    if (!isObject(sample) || hasMoreMembers(written, 0, written.length, countMembers(sample))) return undefined;
    this.forms.unshift(formOf(written, sample, this.differing));
    return this.readElement(text, before);
  }
}

/** `written`: an element as JSON.parse has accepted it. */
function formOf(written: string, sample: unknown, { read, unread }: Differing): ElementForm {
  const found: string[] = [];
  const open: { readonly isArray: boolean; step: string }[] = []; // the arrays and objects around the token
  let isKey = false;
  const pattern = written.replace(TOKEN, (token) => {
    const inner = open.at(-1);
    if (token === "{" || token === "[") {
      isKey = token === "{";
      open.push({ isArray: !isKey, step: "0" });
    } else if (token === "}" || token === "]") open.pop();
    else if (token === ",") isKey = inner?.isArray === false;
    else if (token === ":") isKey = false;
    else if (token.startsWith('"') && inner !== undefined) {
      if (isKey) inner.step = token.slice(1, -1);
      else {
        const path = open.map(({ step }) => step).join(".");
        if (unread.includes(path)) return `"${PLAIN}"`;
        if (read.includes(path)) {
          found.push(path);
          return `"(${PLAIN})"`;
        }
      }
    }
    return token.replace(SPECIAL, "\\$&");
  });
  return { sample, read: found, expression: new RegExp(`${SPACE}${pattern}${SPACE}(?:,|(?=\\]))`, "y") };
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g;
const SPECIAL = /[\\^$.*+?()[\]{}|/]/g;
/** Of a string without escapes. */
const PLAIN = '[^"\\\\\\x00-\\x1f]*';
const SPACE = "[ \\t\\r\\n]*";
/** Of longer expressions V8 makes no fast code. */
const LONGEST = 4096;

const COMMA = 44;
const CLOSE_BRACKET = 93;
