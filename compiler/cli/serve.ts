/** `kpc serve`: the playground with the files of the inputs, on loopback. */
import { existsSync, readFileSync } from "node:fs";
import { PageServer } from "../../runtime/page/page-server.ts";
import { Ending } from "./ending.ts";
import { readInputs, readSource } from "./inputs.ts";
import { EXIT, print } from "./session.ts";
import { Trouble } from "./trouble.ts";
import { lookOf } from "./watched-files.ts";

export interface ServeFlags {
  readonly config?: string;
  readonly recursive?: boolean;
  readonly port?: number;
}

/** Milliseconds between two looks at the files. */
const LOOK_MS = 300;

/** Serves until a signal comes. Throws `Trouble` where an input cannot be read, and where the port is taken. */
export async function serveCommand(names: readonly string[], flags: ServeFlags): Promise<number> {
  if (names.includes("-")) throw new Trouble("kpc serve follows files: expected files or folders, found -");
  const { config, recursive = false, port } = flags;
  const read = (): string => filesOf(names, recursive, config);
  const watched = [...names, ...(config === undefined ? [] : [config])];
  const look = (): string => lookOf(watched, recursive);
  // Before they are read: what changes meanwhile is read again.
  let last = look();
  let files = read();
  const { page, policy } = pageFor(names.length > 0 || config !== undefined);
  const server = await start({ page, policy, files: () => files }, port);
  await print(`${server.address}\n`);
  const ending = new Ending();
  while (!(await ending.hasComeIn(LOOK_MS))) {
    const now = look();
    if (now === last) continue;
    last = now;
    try {
      files = read();
      server.tellChange();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      process.stderr.write(`kpc: ${error.message}\n`);
    }
  }
  ending.forget();
  await server.stop();
  return EXIT.fine;
}

async function start(served: Parameters<typeof PageServer.start>[0], port: number | undefined): Promise<PageServer> {
  try {
    return await PageServer.start(served, port);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Trouble(`cannot listen on 127.0.0.1:${port ?? 0}: ${error.message}`);
  }
}

/** A browser could not hold more, several times over. */
const MOST_CHARACTERS = 100e6;

/** The texts of the inputs, as the page takes them. Throws `Trouble` where they are too large. */
function filesOf(names: readonly string[], recursive: boolean, config: string | undefined): string {
  const sources = names.length === 0 ? [] : [...readInputs(names, { recursive })];
  const all = config === undefined ? sources : [...sources, readSource(config)];
  const length = all.reduce((sum, { text }) => sum + text.length, 0);
  if (length > MOST_CHARACTERS)
    throw new Trouble(
      `the files have ${Math.ceil(length / 1e6)} MB: expected at most ${MOST_CHARACTERS / 1e6} MB for a page`,
    );
  return JSON.stringify(all.map(({ name, text }) => ({ name, text })));
}

/** The page, which asks its own server and nobody else. `hasFiles`: for the files there, in place of its examples. */
function pageFor(hasFiles: boolean): { readonly page: string; readonly policy: string } {
  const path = PLACES.map((place) => new URL(place, import.meta.url)).find((each) => existsSync(each));
  if (path === undefined) throw new Trouble("the page is not built: npm run build makes dist/playground/index.html");
  const built = readFileSync(path, "utf8");
  const [meta = "", content = ""] = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">\n/.exec(built) ?? [];
  const policy = `${content.replace("connect-src 'none'", "connect-src 'self'")}; frame-ancestors 'none'`;
  const served = hasFiles ? `<script type="application/json" id="served">{}</script>\n` : "";
  return {
    policy,
    page: built.replace(meta, "").replace('<script type="application/json" id="examples">', `${served}$&`),
  };
}

/** Beside the bundle, and beside the sources. */
const PLACES = ["../playground/index.html", "../../dist/playground/index.html"];
