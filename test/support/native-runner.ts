/** Runs tests as JavaScript that Node.js imports (emit.ts). Vite's own loading asks its server for each module, and reaches each name of
 *  another module by a getter. */
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { inject, TestRunner } from "vitest";

/** How many times this process has set up a test file. */
let setups = 0;

export default class NativeRunner extends TestRunner {
  override importFile(path: string, source: "collect" | "setup"): unknown {
    const emitted = inject("emitted");
    if (emitted === undefined) return super.importFile(path, source);
    const script = join(emitted, relative(this.config.root, path)).replace(/\.ts$/, ".js");
    const { href } = pathToFileURL(script);
    // A module runs once for each of its names: what sets up is to run before each test file.
    return import(source === "setup" ? `${href}?${setups++}` : href);
  }
}
