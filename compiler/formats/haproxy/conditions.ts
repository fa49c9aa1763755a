/** Conditions of rules as named tests (ACLs): each is one line, and one word where it is used. */
import type { NamedText, RequestConditions } from "../../ir/routes.ts";
import { shortHash } from "./hashes.ts";
import { isWord, pattern, quoted } from "./quoting.ts";

/** Names of tests, and the line of each. */
export class Tests {
  private readonly lines = new Map<string, string>();

  /** Names of the tests that have to hold; undefined where HAProxy cannot be asked. */
  of({ method, headers = [], parameters = [] }: RequestConditions): readonly string[] | undefined {
    const all = [
      ...(method === undefined
        ? []
        : [/^[A-Z]+$/.test(method) ? this.named(`method-${method}`, `method ${method}`) : undefined]),
      ...headers.map((header) => this.header(header)),
      ...parameters.map((parameter) => this.parameter(parameter)),
    ];
    const names = all.flatMap((name) => name ?? []);
    return names.length === all.length && names.length <= MOST ? names : undefined;
  }

  /** The lines, sorted. */
  print(): string[] {
    return [...this.lines].map(([name, test]) => `acl ${name} ${test}`).sort();
  }

  private named(name: string, test: string): string {
    this.lines.set(name, test);
    return name;
  }

  /** The first line of a header, whole: commas are part of the value. */
  private header({ name, value }: NamedText): string | undefined {
    if (!IS_TOKEN.test(name)) return undefined;
    // In the argument of a function a quote means something once more; tokens have no other such signs.
    const asked =
      name === FORWARDED_PROTO ? `var(${CLIENT_PROTO})` : quoted(`req.fhdr(${name.replaceAll("'", "\\'")},1)`);
    const test = value === "" ? "-m len 0" : isWord(value) ? `-m str -- ${quoted(value)}` : undefined;
    return test === undefined ? undefined : this.named(`header-${shortHash(`${name} ${value}`)}`, `${asked} ${test}`);
  }

  /** The first parameter of the name. HAProxy's own `url_param` also ends parameters at `;` and `?`. */
  private parameter({ name, value }: NamedText): string {
    // No parameter has these.
    if (/[&=#]/.test(name) || /[&#]/.test(value)) return this.named("never", "always_false");
    const key = pattern(name);
    const end = "(?:&|$)";
    const others = `(?:(?!${key}(?:=|${end}))[^&]*+&)*+`;
    const wanted = value === "" ? `${key}=?` : `${key}=${pattern(value)}`;
    const test = `query -m reg -- '^${others}${wanted}${end}'`;
    return this.named(`parameter-${shortHash(`${name} ${value}`)}`, test);
  }
}

/** The header that the proxy sets, and where its value is kept as the client has sent it. */
export const FORWARDED_PROTO = "x-forwarded-proto";
export const CLIENT_PROTO = "txn.client_proto";

/** The line that keeps it, in front of the one that sets it. */
export const KEEP_CLIENT_PROTO = `http-request set-var(${CLIENT_PROTO}) req.fhdr(${FORWARDED_PROTO},1)`;

/** Whether one of `tests`, the lines with conditions, needs it. */
export function asksClientProto(tests: readonly string[]): boolean {
  return tests.some((line) => line.includes(` var(${CLIENT_PROTO}) `));
}

/** HAProxy reads 64 words in a line. */
const MOST = 48;

/** The name of a header. */
export const IS_TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
