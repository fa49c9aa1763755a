/** The package as users get it: packed, and installed into an empty project. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** How a program ended, with what it printed on both streams. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program in `folder`, and waits for its end. */
export function run(folder: string, program: string, ...args: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

/** Runs a program of the project's own `node_modules` in `folder`. */
export function runOwn(folder: string, program: string, ...args: readonly string[]): Ended {
  return run(folder, join(ROOT, "node_modules/.bin", program), ...args);
}

/** A project that has nothing but the package. */
export interface InstalledPackage {
  readonly folder: string;
  /** The tarball. */
  readonly tarball: string;
  /** The paths in the tarball. */
  readonly files: readonly string[];
  /** What `npm install` said. */
  readonly installed: Ended;
}

/** Packs what is built, and installs the tarball. */
export function installPackage(): InstalledPackage {
  const folder = mkdtempSync(join(tmpdir(), "kpc-package-"));
  const packed = run(ROOT, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder);
  // npm prints a list, and since version 11.19 an object by name.
  const [entry] = Object.values(
    JSON.parse(packed.output) as Record<string, { filename: string; files: readonly { path: string }[] }>,
  );
  const tarball = join(folder, entry?.filename ?? "");
  return {
    folder,
    tarball,
    files: entry?.files.map(({ path }) => path) ?? [],
    installed: install(folder, tarball),
  };
}

/** Installs packages into a project of their own, `folder`. */
export function install(folder: string, ...packages: readonly string[]): Ended {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  // Of a registry that does not answer, npm would ask for many minutes.
  const soon = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"];
  return run(folder, "npm", "install", "--no-audit", "--no-fund", ...soon, ...packages);
}

/** Whether `npm install` found no registry. The reason is printed: what needs `what` is left out. */
export function isUnreachable({ status, output }: Ended, what: string): boolean {
  const unreachable =
    status !== 0 && /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED|FETCH_ERROR/.test(output);
  if (unreachable) process.stderr.write(`left out: ${what} cannot be installed: the registry is not reachable\n`);
  return unreachable;
}
