// @ts-check
/** What the yaml library alone needs: node read-yaml.mjs FILE list|documents. Reads values, nothing more. */
import { readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

const [, , file = "", shape] = process.argv;
const text = readFileSync(file, "utf8");
if (shape === "list") {
  parse(text);
} else {
  for (const document of parseAllDocuments(text)) document.toJS();
}
