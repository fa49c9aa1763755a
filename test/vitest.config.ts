import { defineConfig } from "vitest/config";

/** The quick set: needs nothing but the project and Debian's packages. Where those are there, it skips only tests of `npm run test:all`. */
export default defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    globalSetup: "test/support/build.ts",
    setupFiles: ["test/support/seed.ts"],
    include: ["test/{unit,golden,property,kernel,browser}/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxConcurrency: 6,
    // One for each core of a small machine: each loads the compiler anew, and starts a `kpc` of its own for the tests of the command line.
    maxWorkers: 2,
    // Files share the modules that they import: nothing in them is changed by tests, and to load them anew takes half a minute.
    isolate: false,
    // Much of this code runs a few times only: V8 compiles it without a trial, and collects young objects in larger portions.
    execArgv: ["--always-sparkplug", "--max-semi-space-size=64"],
    // What Vite makes of modules is kept in node_modules/.experimental-vitest-cache: in a second run loading takes two thirds of the CPU time.
    experimental: { fsModuleCache: true },
  },
});
