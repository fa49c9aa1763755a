/** `kpc compile -o haproxy`: what HTTP requests meet, as the files of a proxy. */
import { printHaproxy } from "../formats/haproxy/print.ts";
import { VERSION } from "../version.ts";
import { FileSet } from "./file-set.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { type CommonFlags, compileInputs, exitCodeOf, note, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Writes the files to `folder`, all or none. Throws `Trouble` where the input has no Ingress. */
export function haproxyCommand(names: readonly string[], flags: CommonFlags, folder: string | undefined): number {
  if (folder === undefined)
    throw new Trouble("-o haproxy writes haproxy.cfg and its maps: add -d DIR, the folder for the files");
  const { diagnostics, compiled } = compileInputs(names, flags);
  const found = aboutIngresses(diagnostics);
  showDiagnostics(found, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const { routes } = compiled.program;
  if (routes.length === 0) throw new Trouble("-o haproxy serves Ingresses, and the input has none for kpc");
  const { files, unsupported } = printHaproxy(routes, HEADER);
  showDiagnostics(unsupported, flags);
  writeFiles(files, folder);
  const hosts = routes.flatMap(({ host }) => host ?? []);
  const paths = routes.reduce((sum, each) => sum + each.paths.length, 0);
  note(
    [
      `wrote ${files.size} files to ${folder}: ${hosts.length} hosts, ${paths} paths; load: haproxy -f ${folder}/haproxy.cfg`,
    ],
    flags,
  );
  return exitCodeOf(found);
}

const HEADER: readonly string[] = [
  `Kubernetes Ingresses. Written by kpc ${VERSION}.`,
  "",
  "Check:  haproxy -c -f haproxy.cfg",
  "Hosts and paths are in the maps beside this file: KEY BACKEND, the key of a path begins with its host.",
];

function writeFiles(files: ReadonlyMap<string, string>, folder: string): void {
  const set = new FileSet(folder);
  try {
    for (const [name, text] of files) set.add(name, text);
    set.commit();
  } finally {
    set.discard();
  }
}
