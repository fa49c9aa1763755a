/** Bundles the playground into one page, dist/playground/index.html, which needs no other file. A step of `npm run build`. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundle, licencesOf } from "./bundle.mjs";

const ROOT = new URL("../../", import.meta.url);
const HERE = new URL("runtime/playground/", ROOT);
const OUTPUT = new URL("dist/playground/", ROOT);

/** What ends a script element is written so that it does not. @param {string} code */
function inElement(code) {
  return code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}

/** @param {string} text */
function hashOf(text) {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** @param {string} folder */
function filesIn(folder) {
  return readdirSync(new URL(folder, ROOT))
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(`${folder}${name}`, ROOT), "utf8") }));
}

/** @param {string} name */
function fileAt(name) {
  const path = name.split("/");
  return { name: path[path.length - 1] ?? name, text: readFileSync(new URL(name, ROOT), "utf8") };
}

function examples() {
  const shop = [
    ...filesIn("examples/shop/manifests/"),
    fileAt("examples/shop/cluster.yaml"),
    fileAt("examples/shop/kpc.yaml"),
  ];
  const broken = filesIn("examples/broken/").filter(({ name }) => name !== "manifests.yaml");
  const manifests = fileAt("examples/broken/manifests.yaml");
  return [
    { title: "shop: a pod to a Service", files: shop, question: "tcp web-1 > svc/api:http" },
    {
      title: "shop: from the internet to a node port",
      files: shop,
      question: "tcp outside/client > 198.51.100.1:8080",
    },
    {
      title: "shop: a URL, by Ingress",
      files: [...shop, ...filesIn("examples/shop/ingress/")],
      question: "GET http://shop.example.com/api/orders",
    },
    ...broken.map((file) => ({
      title: `broken: ${file.name.replace(/\.yaml$/, "")}`,
      files: [file, manifests],
      question: "tcp client > svc/web:80",
      view: "check",
    })),
  ];
}

/** JSON that may stand in a script element. @param {unknown} value */
function jsonFor(value) {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

const bundles = await Promise.all([bundle("page/main.ts"), bundle("worker/worker.ts")]);
const [script = "", worker = ""] = bundles.map(({ code }) => inElement(code));
const style = ["page/style.css", "page/views/walk.css"]
  .map((name) => readFileSync(new URL(name, HERE), "utf8"))
  .join("");
/** No request leaves the page: there is nothing that it may connect to. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)} 'wasm-unsafe-eval'`,
  "worker-src blob:",
  `style-src ${hashOf(style)}`,
  "img-src data: blob:",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const licenceText = licencesOf(bundles.flatMap(({ packages }) => packages));
const parts = {
  licences: licenceText.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  policy,
  style,
  examples: jsonFor(examples()),
  worker,
  script,
};
const page = readFileSync(new URL("page/index.html.template", HERE), "utf8").replace(
  /\{\{(\w+)\}\}/g,
  (_, name) => parts[/** @type {keyof typeof parts} */ (name)],
);
mkdirSync(OUTPUT, { recursive: true });
writeFileSync(new URL("index.html", OUTPUT), page);
writeFileSync(new URL("licences.txt", OUTPUT), licenceText);
