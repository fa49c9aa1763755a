/** Named tests (ACLs) of a frontend, read back: what each asks of a request. */
import type { RequestConditions } from "../../ir/routes.ts";
import { CLIENT_PROTO, FORWARDED_PROTO, Tests } from "./conditions.ts";
import { PATTERN, textOfPattern, wordsOf } from "./read-words.ts";

/** What the line `acl NAME TEST` asks; undefined: kpc writes no such line. A test that no request passes asks for a parameter that none has. */
export function readTest(line: string): { readonly name: string; readonly asks: RequestConditions } | undefined {
  const [, name = "", test = ""] = /^acl (\S+) (.+)$/.exec(line) ?? [];
  const asks = conditionOf(test);
  if (asks === undefined) return undefined;
  const tests = new Tests();
  tests.of(asks);
  const [printed = ""] = tests.print();
  return printed.split(" ").slice(2).join(" ") === test ? { name, asks } : undefined;
}

function conditionOf(test: string): RequestConditions | undefined {
  if (test === "always_false") return { parameters: [{ name: "&", value: "" }] };
  const words = wordsOf(test);
  const [asked = "", flag, kind, dashes, value = ""] = words;
  if (asked === "method" && flag !== undefined) return { method: flag };
  const query = asked === "query" && kind === "reg" && dashes === "--" ? PARAMETER.exec(value) : null;
  if (query !== null) {
    const [, , key = "", equals, wanted = ""] = query;
    return { parameters: [{ name: textOfPattern(key), value: equals === "=?" ? "" : textOfPattern(wanted) }] };
  }
  const [, found] = /^req\.fhdr\((.*),1\)$/.exec(asked) ?? [];
  const name = asked === `var(${CLIENT_PROTO})` ? FORWARDED_PROTO : found?.replaceAll("\\'", "'");
  if (name === undefined) return undefined;
  return { headers: [{ name, value: kind === "len" ? "" : value }] };
}

const PARAMETER = new RegExp(
  String.raw`^\^\(\?:\(\?!(${PATTERN})\(\?:=\|\(\?:&\|\$\)\)\)\[\^&\]\*\+&\)\*\+(${PATTERN})(=\??)(${PATTERN})\(\?:&\|\$\)$`,
);

/** What several tests ask together. */
export function joined(all: readonly RequestConditions[]): RequestConditions {
  const [method] = all.flatMap((each) => each.method ?? []);
  const headers = all.flatMap((each) => each.headers ?? []);
  const parameters = all.flatMap((each) => each.parameters ?? []);
  return {
    ...(method === undefined ? {} : { method }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(parameters.length === 0 ? {} : { parameters }),
  };
}
