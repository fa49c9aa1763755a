/** `kpc ingress run`: a HAProxy that serves what files say, also after they have changed. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ProxyTrouble } from "../../runtime/ingress/admin-socket.ts";
import { claimFolder } from "../../runtime/ingress/folder-claim.ts";
import {
  type DoneUpdate,
  type ProxyFiles,
  type ProxyStore,
  RunningProxy,
} from "../../runtime/ingress/running-proxy.ts";
import { compileSpecs } from "../compile.ts";
import type { ProxyChange } from "../formats/haproxy/changes.ts";
import { unreachable } from "../invariant.ts";
import type { ProxyFlags } from "./config.ts";
import { Ending } from "./ending.ts";
import { makeFolder } from "./file-set.ts";
import { proxyFiles, writeFiles } from "./haproxy.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { isSystemError, reasonOf } from "./output.ts";
import { type CommonFlags, EXIT, inputsOf, optionsOf, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";
import { lookOf } from "./watched-files.ts";

export interface IngressRunFlags extends CommonFlags, ProxyFlags {
  readonly directory: string;
}

/** Milliseconds between two looks at the files. */
const LOOK_MS = 200;

/** Milliseconds that connections have to end when kpc is to end. */
const STOP_MS = 5000;

/** Backends that can come before HAProxy has to be reloaded, unless the settings say how many. */
const SPARES = 50;

/** Runs until a signal comes. Throws `Trouble` where HAProxy cannot serve what the files say at the beginning. */
export async function ingressRunCommand(names: readonly string[], flags: IngressRunFlags): Promise<number> {
  const inputs = [...names, ...(flags.filename ?? [])];
  if (inputs.includes("-")) throw new Trouble("kpc ingress run follows files: expected files or folders, found -");
  const watched = [...inputs, ...(flags.config === undefined ? [] : [flags.config])];
  const look = (): string => lookOf(watched, flags.recursive ?? false);
  makeFolder(resolve(flags.directory));
  const folder = realpathSync(flags.directory);
  const proxy = new RunningProxy(storeIn(folder));
  const ending = new Ending();
  try {
    await claimFolder(folder);
    let read = look();
    const files = filesFor(names, flags);
    if (files === undefined) return EXIT.trouble;
    await tell(await proxy.apply(files), flags);
    for (let last = read; !(await ending.hasComeIn(LOOK_MS)); ) {
      const now = look();
      // Files that are being written are read when they are at rest.
      const isToRead = now !== read && now === last;
      last = now;
      if (isToRead) read = now;
      await follow(async () => {
        await tell(await proxy.tend(), flags);
        const wanted = isToRead ? filesFor(names, flags) : undefined;
        if (wanted !== undefined) await tell(await proxy.apply(wanted), flags);
      });
    }
    await proxy.stop(STOP_MS);
    return EXIT.fine;
  } catch (error) {
    throw error instanceof ProxyTrouble ? new Trouble(error.message) : error;
  } finally {
    ending.forget();
  }
}

/** Does `work`; what goes wrong is told, and HAProxy serves on as before. */
async function follow(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ProxyTrouble || error instanceof Trouble)) throw error;
    process.stderr.write(`kpc: ${error.message}\n`);
  }
}

/** What the inputs say now; undefined: they have errors, which were shown. */
function filesFor(names: readonly string[], flags: IngressRunFlags): ProxyFiles | undefined {
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, compiled } = compileSpecs(load, config, optionsOf(flags));
  showDiagnostics(aboutIngresses(diagnostics), flags);
  if (compiled === undefined) return undefined;
  const { files, secret, unsupported } = proxyFiles(compiled, { spareBackends: SPARES, ...config.haproxy });
  showDiagnostics(unsupported, flags);
  return new Map([...files, ...secret]);
}

/** Files in `folder`, which is made where it is not there. Those of a call before that are no longer among them are removed. */
function storeIn(folder: string): ProxyStore {
  let written: ReadonlySet<string> = new Set();
  const write = (files: ProxyFiles, into: string): void => {
    const isSecret = ([name]: readonly [string, string]): boolean => name.endsWith(".pem");
    writeFiles(new Map([...files].filter((each) => !isSecret(each))), new Map([...files].filter(isSecret)), into);
  };
  return {
    folder,
    write: (files) => {
      write(files, folder);
      for (const name of written) if (!files.has(name)) rmSync(join(folder, name), { force: true });
      written = new Set(files.keys());
    },
    draft: (files, use) => {
      makeFolder(folder);
      const draft = makeDraft(folder);
      try {
        write(files, draft);
        return use(draft);
      } finally {
        rmSync(draft, { recursive: true });
      }
    },
  };
}

/** Throws `Trouble` where `folder` cannot be written to. */
function makeDraft(folder: string): string {
  try {
    return mkdtempSync(join(folder, ".draft-"));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Trouble(`cannot write into ${folder}: ${reasonOf(error)}`);
  }
}

async function tell(done: DoneUpdate, { quiet }: CommonFlags): Promise<void> {
  const text = textOf(done);
  if (text !== undefined && quiet !== true) await print(`${text}\n`);
}

/** Undefined: there is nothing to tell. */
function textOf(done: DoneUpdate): string | undefined {
  switch (done.kind) {
    case "unchanged":
      return undefined;
    case "started":
      return "started HAProxy";
    case "restarted":
      return "started HAProxy again: it had ended";
    case "reloaded":
      return `reloaded HAProxy: ${done.because}`;
    case "at-run-time":
      return `updated HAProxy: ${countsOf(done.changes).join(", ")}`;
    default:
      return unreachable(done);
  }
}

/** One of them, and what was done to it. */
const SAYS: Readonly<Record<ProxyChange["kind"], readonly [string, string]>> = {
  "add-row": ["row", "added"],
  "set-row": ["row", "changed"],
  "delete-row": ["row", "removed"],
  "add-server": ["server", "added"],
  "set-weight": ["weight", "changed"],
  "remove-server": ["server", "removed"],
  "set-certificate": ["certificate", "changed"],
  "add-certificate": ["certificate", "added"],
  "add-certificate-row": ["row of certificates", "added"],
  "remove-certificate": ["certificate", "removed"],
};

function countsOf(changes: readonly ProxyChange[]): string[] {
  const counts = new Map<ProxyChange["kind"], number>();
  for (const { kind } of changes) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => {
    const [what, done] = SAYS[kind];
    return `${count} ${count === 1 ? what : plural(what)} ${done}`;
  });
}

/** `rows of certificates` for `row of certificates`. */
function plural(what: string): string {
  return what.replace(/^\w+/, "$&s");
}
