/** The engine as a module of its own, for programs that cannot load a file: engine-bytes.ts. A step of the build. */
import { readFileSync, writeFileSync } from "node:fs";

const bytes = readFileSync(new URL("../dist/assembly/classifier.wasm", import.meta.url));
const text = `/** Made by embed.mjs: the engine's bytes. */\nexport const ENGINE_BASE64 =\n  "${bytes.toString("base64")}";\n`;
writeFileSync(new URL("engine-bytes.ts", import.meta.url), text);
