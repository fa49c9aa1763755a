import { defineConfig } from "vitest/config";

/** The quick set: needs nothing but the project and Debian's packages. Where those are there, it skips only tests of `npm run test:all`. */
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    globalSetup: ["test/support/build.ts", "test/support/emit.ts"],
    // Node.js itself imports tests and sources, as JavaScript that emit.ts has written: Vite would ask its server for each module.
    runner: "test/support/native-runner.ts",
    server: { deps: { external: [/\/dist\/tests\//] } },
    setupFiles: ["test/support/seed.ts"],
    include: ["test/{unit,golden,property,kernel,browser}/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxConcurrency: 6,
    // One more than the cores of a small machine: many tests wait for the kernel or for another process. Each loads the compiler anew, and
    // starts a `kpc` of its own for the tests of the command line.
    maxWorkers: 3,
    // Files share the modules that they import: nothing in them is changed by tests, and to load them anew takes half a minute.
    isolate: false,
    // Much of this code runs a few times only: V8 compiles it without a trial, and collects young objects in larger portions.
    execArgv: ["--always-sparkplug", "--max-semi-space-size=64"],
  },
});
