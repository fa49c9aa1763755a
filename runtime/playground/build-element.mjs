/** Bundles `<kpc-walk>` into one script, dist/playground/kpc-walk.js, which needs no other file. A step of `npm run build`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundle, licencesOf } from "./bundle.mjs";

const HERE = new URL("./", import.meta.url);
const OUTPUT = new URL("../../dist/playground/", HERE);

const compiler = await bundle("element/answer.ts", "kpcAnswer");
const element = await bundle("element/element.ts");
const style = ["page/views/walk.css", "element/style.css"]
  .map((name) => readFileSync(new URL(name, HERE), "utf8"))
  .join("");
const { version } = JSON.parse(readFileSync(new URL("../../package.json", HERE), "utf8"));
const licences = licencesOf([...compiler.packages, ...element.packages]).replaceAll("*/", "* /");
const script = `/*! kpc ${version}, Apache-2.0. It holds:

${licences}*/
(()=>{
const kpcStyle=${JSON.stringify(style)};
const kpcCompiler=()=>{
${compiler.code}
return kpcAnswer;
};
${element.code}
})();
`;
/** In ASCII: a page may be read as anything. */
const plain = script.replaceAll(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(new URL("kpc-walk.js", OUTPUT), plain);
