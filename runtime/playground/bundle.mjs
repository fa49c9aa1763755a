/** Scripts for browsers, each in one piece, and the licences of what is in them. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const HERE = new URL("./", import.meta.url);

/** chevrotain calls few of the functions of lodash-es. */
const SUBSTITUTES = { "lodash-es": fileURLToPath(new URL("lodash-subset.ts", HERE)) };

/** What chevrotain checks grammars with. Parsers that are not made by tests ask for none of it (`quickStart`). */
const GRAMMAR_CHECKS = /\/chevrotain\/lib\/src\/parse\/grammar\/checks\.js$/;

/** Leaves out of a script what checks grammars: what would call it all the same throws. */
const withoutGrammarChecks = {
  name: "without-grammar-checks",
  transform: {
    filter: { id: GRAMMAR_CHECKS },
    /** @param {string} code */
    handler(code) {
      const names = [...code.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
      const body = '{ throw new Error("the grammar is checked by tests") }';
      return { code: names.map((name) => `export function ${name}() ${body}\n`).join(""), map: null };
    },
  },
};

/** The messages of those checks, and those of parsers: kpc's have their own (`quickStart`). */
const withoutMessages = {
  name: "without-messages",
  transform: {
    filter: { id: /\/chevrotain\/lib\/src\/parse\/errors_public\.js$/ },
    /** @param {string} code */
    handler(code) {
      const names = [...code.matchAll(/^export const (\w+ErrorProvider) = \{/gm)].map(([, name]) => name);
      if (names.length !== 3) throw new Error("chevrotain has its messages elsewhere");
      return { code: names.map((name) => `export const ${name} = {};\n`).join(""), map: null };
    },
  },
};

/** Leaves out what chevrotain says of mistakes in grammars and lists of tokens: tests find those. */
const withoutAdvice = {
  name: "without-advice",
  transform: {
    filter: { id: /\/chevrotain\/lib\/src\/(?:scan|parse\/parser)\/.*\.js$/ },
    /** @param {string} code */
    handler(code) {
      const left = code
        .replace(/\bError\((?:\s*(?:"[^"]*"|`[^`]*`)\s*\+?)+\s*\)/g, "Error()")
        .replace(/\bPRINT_(?:ERROR|WARNING)\(`[\s\S]*?\);$/gm, "");
      return { code: left, map: null };
    },
  },
};

/** What stands in a page for files that make work with large inputs faster, and change no result: a page is given small ones. */
const SMALL = {
  "compare/symmetry/form-templates": "export class FormTemplates { find() {} }\n",
  "compare/symmetry/readings": "export function rulesAsRead() {}\nexport function elementsAsRead() {}\n",
  "compare/symmetry/twins": "export function twinOf() {}\n",
  "documents/alike-lists": "export class AlikePart {}\nexport class AlikeLists { learn() {} read() {} }\n",
  "ir/form-places": "export function placesInRule() {}\nexport function placesInElement() {}\n",
  "specs/alike-endpoints": "export function decodeAlike() {}\n",
  "specs/sound-slice": "export function soundSlice() {}\n",
  "tabulate/copies": "export const NO_COPIES = () => undefined;\nexport class Copier { defaultAt() {} rowsAt() {} }\n",
};

const withoutLargeInputs = {
  name: "without-large-inputs",
  transform: {
    filter: { id: new RegExp(`/compiler/(?:${Object.keys(SMALL).join("|")})\\.ts$`) },
    /** @param {string} code @param {string} id */
    handler(code, id) {
      const [, short = ""] = Object.entries(SMALL).find(([name]) => id.endsWith(`/${name}.ts`)) ?? [];
      /** @param {string} text */
      const exported = (text) =>
        [...text.matchAll(/^export (?:class|const|function) (\w+)/gm)]
          .map(([, name]) => name)
          .sort()
          .join();
      if (exported(code) !== exported(short)) throw new Error(`${id} has other names`);
      return { code: short, map: null };
    },
  },
};

/** What chevrotain checks lists of tokens with. Lexers that are not made by tests ask for none of it (`quickLexing`). */
const TOKEN_CHECKS = ["validatePatterns", "performRuntimeChecks", "performWarningRuntimeChecks"];

const withoutTokenChecks = {
  name: "without-token-checks",
  transform: {
    filter: { id: /\/chevrotain\/lib\/src\/scan\/lexer\.js$/ },
    /** @param {string} code */
    handler(code) {
      let left = code;
      for (const name of TOKEN_CHECKS) {
        const [before, after] = left.split(new RegExp(`^(?=export function ${name}\\()`, "m"));
        if (after === undefined) throw new Error(`chevrotain has ${name} elsewhere`);
        left = `${before}${after.replace("{", "{ return [];")}`;
      }
      return { code: left, map: null };
    },
  },
};

/** What parsers of chevrotain have that those of a page do not ask for: to go on after an error, and trees of all tokens. */
const UNUSED_METHODS = {
  recoverable: /^(?!constructor|initRecoverable|attemptInRepetitionRecovery|getHumanReadableRuleStack)/,
  tree_builder: /^(setInitial|cst|getBaseCst)/,
};

/** Leaves out what those methods do: what would call one all the same throws. */
const withoutUnusedMethods = {
  name: "without-unused-methods",
  transform: {
    filter: { id: /\/chevrotain\/lib\/src\/parse\/parser\/traits\/(recoverable|tree_builder)\.js$/ },
    /** @param {string} code @param {string} id */
    handler(code, id) {
      const unused = id.endsWith("recoverable.js") ? UNUSED_METHODS.recoverable : UNUSED_METHODS.tree_builder;
      const left = code.replace(/^ {4}((\w+)\([^)]*\)) \{\n[\s\S]*?^ {4}\}$/gm, (method, head, name) =>
        unused.test(name) ? `    ${head} { throw new Error("parsers of a page do not do this"); }` : method,
      );
      if (left === code) throw new Error(`${id} has other methods`);
      const withoutTrees = left
        .replace(/^import \{[^}]*\} from "\.\.\/\.\.\/cst\/cst\.js";$/m, "")
        .replace(/\bsetNodeLocation(Full|OnlyOffset)\b/g, "noop");
      return { code: withoutTrees, map: null };
    },
  },
};

/** Leaves out what finds the tokens that may follow: editors, checks of grammars, and parsers that go on ask for it. */
const withoutNextTokens = {
  name: "without-next-tokens",
  transform: {
    filter: { id: /\/chevrotain\/lib\/src\/parse\/grammar\/(interpreter|follow)\.js$/ },
    /** @param {string} code @param {string} id */
    handler(code, id) {
      const head = /^(export function (?:nextPossibleTokensAfter|computeAllProdsFollows)\(.*\)) \{\n[\s\S]*?^\}$/m;
      if (!head.test(code)) throw new Error(`${id} finds other tokens`);
      const left = code
        .replace(head, '$1 { throw new Error("parsers of a page do not do this"); }')
        .replace(/^export class (\w+) extends \w+ \{\n[\s\S]*?^\}$/gm, "export class $1 {}");
      return { code: left, map: null };
    },
  },
};

/** Leaves out of yaml what visits tokens: a bundler keeps it for the members that it gets. */
const withoutTokenVisits = {
  name: "without-token-visits",
  transform: {
    filter: { id: /\/yaml\/browser\/dist\/parse\/cst\.js$/ },
    /** @param {string} code */
    handler(code) {
      const left = code.replace(/^export \{ visit \} from .*$/m, "");
      if (left === code) throw new Error("yaml visits tokens elsewhere");
      return { code: left, map: null };
    },
  },
};

/** Leaves out what yaml writes YAML with: a page only reads it. What would call it all the same throws. */
const withoutYamlWriter = {
  name: "without-yaml-writer",
  transform: {
    filter: { id: /\/yaml\/browser\/dist\/stringify\/\w+\.js$/ },
    /** @param {string} code @param {string} id */
    handler(code, id) {
      const names = /^export \{ ([\w, ]+) \};$/m.exec(code)?.[1]?.split(", ");
      if (names === undefined) throw new Error(`${id} has other names`);
      const body = '{ throw new Error("a page writes no YAML"); }';
      return { code: names.map((name) => `export function ${name}() ${body}\n`).join(""), map: null };
    },
  },
};

/**
 * A classic script of `input` and all that it imports.
 * @param {string} input below this folder
 * @param {string} [name] of the constant that holds what `input` exports
 * @returns {Promise<{ code: string, packages: string[] }>} `packages`: the folders of those that are in it
 */
export async function bundle(input, name) {
  const made = await rolldown({
    input: fileURLToPath(new URL(input, HERE)),
    platform: "browser",
    logLevel: "warn",
    resolve: { alias: SUBSTITUTES },
    plugins: [
      withoutGrammarChecks,
      withoutMessages,
      withoutAdvice,
      withoutTokenChecks,
      withoutUnusedMethods,
      withoutNextTokens,
      withoutTokenVisits,
      withoutYamlWriter,
      withoutLargeInputs,
    ],
  });
  const named = name === undefined ? {} : { name };
  const { output } = await made.generate({ format: "iife", codeSplitting: false, minify: true, ...named });
  return { code: output[0].code, packages: output[0].moduleIds.flatMap(packageOf) };
}

/** @param {string} id */
function packageOf(id) {
  const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? [];
  return folder === undefined ? [] : [folder];
}

/**
 * The licence of each package, whole: most of them ask for that. Throws where one has none.
 * @param {readonly string[]} packages folders, in any order, more than once
 */
export function licencesOf(packages) {
  const texts = [...new Set(packages)].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${folder} has no licence`);
    return `${name} ${version}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
  });
  return texts.join(`\n${"-".repeat(72)}\n\n`);
}
