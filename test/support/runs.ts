/** How many random inputs a law is held on: a quarter of `all` in the quick set, all of them in `npm run test:all`. */
export function runs(all: number): number {
  return process.env["KPC_RUNS"] === "all" ? all : Math.max(2, Math.ceil(all / 4));
}
