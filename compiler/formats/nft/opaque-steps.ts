/** What is not understood, kept in the words with which nft lists it. */
import type { Match, Statement, Step, WritableField } from "../../ir/types.ts";
import { type StatementNode, textOf } from "./syntax.ts";
import { listedTimes } from "./times.ts";

/** What a statement that is not understood may write. */
export const EVERYTHING: readonly WritableField[] = [
  { kind: "meta", key: "mark" },
  { kind: "ct", key: "mark" },
];

export function opaqueMatch({ tokens, operator }: Extract<StatementNode, { kind: "match" }>): Match {
  const spelled = withMeta(textOf(tokens));
  if (operator !== "!=" && operator !== "==") return { kind: "opaque", text: spelled, negated: false };
  const words = operator === "!=" ? ["!=", "ne"] : ["==", "eq"];
  const text = withMeta(textOf(tokens.filter(({ image }) => !words.includes(image))));
  if (operator === "==") return { kind: "opaque", text, negated: false, spelled };
  return { kind: "opaque", text, negated: true, spelled };
}

/** `text` as nft lists it: these keys of meta with the word, others without. */
function withMeta(text: string): string {
  const listed = text
    .replace(
      /^(?=(?:mark|iiftype|oiftype|iifkind|oifkind|nftrace|rtclassid|skuid|skgid|[io]br(?:port|name)|pkttype|cpu|cgroup|sdif|sdifname|time|day|hour) )/,
      "meta ",
    )
    .replace(/^meta (?=[io]if(?:name|group)? )/, "");
  return listedTimes(listed);
}

/** `tokens` as text, without what is meant anyway. */
export function canonicalText(tokens: StatementNode["tokens"]): string {
  return textOf(tokens)
    .replaceAll(" burst 5 packets", "")
    .replace(/ used 0 \w+$/, "");
}

export function opaqueStatement(
  tokens: StatementNode["tokens"],
  terminal: boolean,
  writes: readonly WritableField[] = [],
): Extract<Statement, { kind: "opaque-statement" }> {
  return {
    kind: "opaque-statement",
    text: canonicalText(tokens),
    terminal,
    ...(writes.length === 0 ? {} : { writes }),
  };
}

/** Statements that end the rule or not, as they find it. */
const DECIDING: ReadonlySet<string> = new Set(["limit", "quota", "meter", "ct count", "xt match", "tproxy"]);

/** Statements that may end the packet's way. */
const ENDING: ReadonlySet<string> = new Set(["queue", "fwd", "synproxy", "xt target"]);

export function plainStep({ name, tokens }: Extract<StatementNode, { kind: "plain" }>, isLast: boolean): Step {
  if (name === "log") return { kind: "opaque-statement", text: logText(tokens), terminal: false };
  // Without another step behind it, it makes no difference whether the rule went on.
  if (DECIDING.has(name) || (name === "flow" && !isLast))
    return {
      kind: "opaque",
      text: canonicalText(tokens),
      negated: false,
    };
  return opaqueStatement(tokens, ENDING.has(name), name === "xt target" ? EVERYTHING : []);
}

/** In the order in which nft lists them, without the level that is meant anyway. */
function logText(tokens: StatementNode["tokens"]): string {
  const order = ["prefix", "group", "snaplen", "queue-threshold", "level", "flags"];
  const options: { readonly key: string; readonly words: StatementNode["tokens"][number][] }[] = [];
  for (const token of tokens.slice(1)) {
    if (order.includes(token.image)) options.push({ key: token.image, words: [token] });
    else options.at(-1)?.words.push(token);
  }
  const texts = options
    .sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key))
    .map(({ words }) => textOf(words))
    .filter((text) => text !== "level warn");
  return ["log", ...texts].join(" ");
}
