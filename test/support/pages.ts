/** README.md and the pages of docs/: their blocks, and a shell that runs the commands of a page as a reader would. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { kernelMissing, namespaceArguments } from "./kernel.ts";

export const ROOT = new URL("../..", import.meta.url).pathname;

/** A fenced block. The word behind the language names the file that holds it. */
export interface PageBlock {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

export interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly PageBlock[];
}

/** A command of a page. `output`: what the page says that it prints; undefined: nothing is said, and it has to end well. */
export interface Command {
  readonly command: string;
  readonly output: string | undefined;
  readonly needsKernel: boolean;
}

/** What a command printed on both streams, and its exit code. */
export interface CommandRun {
  readonly status: number;
  readonly output: string;
}

function readPage(name: string): Page {
  const text = readFileSync(join(ROOT, name), "utf8");
  const blocks = [...text.matchAll(/^```(\S+)(?: (\S+))?\n(.*?)^```$/gms)].map(
    ([, language = "", file, block = ""]) => ({ language, file, text: block }),
  );
  return { name, text, blocks };
}

const DOCS = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));

/** What users read. */
export const PAGES: readonly Page[] = [
  "README.md",
  "examples/broken/README.md",
  ...DOCS.map((name) => `docs/${name}`),
].map(readPage);

/** Commands that need a kernel with netfilter, and root in it. */
const KERNEL =
  /\bnft (-f|list|delete)\b|\bip6?tables-(save|restore)\b|\bkernel-(nft|iptables)\b|\bkpc lab (run|up|enter|down)\b/;

/** The commands of a page. `console`: each behind `$ `, with what it prints; `sh`: a script. */
export function commandsOf({ blocks }: Page): Command[] {
  return blocks.flatMap(({ language, text }): Command[] => {
    const needsKernel = KERNEL.test(text);
    if (language === "sh") return [{ command: text.trimEnd(), output: undefined, needsKernel }];
    if (language !== "console") return [];
    return text
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [, command = "", output = ""] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(part) ?? [];
        return { command, output, needsKernel };
      });
  });
}

/** Whether a command printed what the page shows: a line of `…` stands for any lines. */
export function isAsShown(shown: string, printed: string): boolean {
  const literal = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`^${shown.split(/^…\n/m).map(literal).join("(?:.*\\n)*?")}$`).test(printed);
}

/** A folder with what a reader has: the examples, the package, and the tools that the pages call. Those that only the reader's machine has
 *  are stood in for: `kubectl` prints the shop, `npm ci` and `npm link` are done already. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kpc-pages-"));
  symlinkSync(join(ROOT, "examples"), join(folder, "examples"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules", "kpc"));
  const manifests = join(ROOT, "examples/shop/manifests");
  const items = readdirSync(manifests).flatMap((name) =>
    parseAllDocuments(readFileSync(join(manifests, name), "utf8")).map((document): unknown => document.toJS()),
  );
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "shop.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  writeFileSync(join(bin, "kube-proxy.yaml"), KUBE_PROXY);
  const tools = {
    kpc: `exec '${process.execPath}' '${ROOT}dist/bin/kpc.cjs' "$@"`,
    npx: '[ "$1" = kpc ] && shift && exec kpc "$@"',
    npm: '[ "$*" = ci ] || [ "$*" = link ]',
    kubectl: `case "$*" in *kube-proxy*) cat '${bin}/kube-proxy.yaml';; *) cat '${bin}/shop.json';; esac`,
    helm: `cat '${manifests}/services.yaml'`,
  };
  for (const [name, script] of Object.entries(tools)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return folder;
}

const KUBE_PROXY = `apiVersion: v1
kind: ConfigMap
metadata: {name: kube-proxy, namespace: kube-system}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    mode: iptables
    clusterCIDR: 10.244.0.0/16
`;

/** Runs the commands of `page` in `folder`, one after the other in one shell; undefined for those that need a kernel where there is none.
 *  Files of the page are written first. With a kernel, all of it is in a network namespace. */
export function runPageCommands(page: Page, folder: string): (CommandRun | undefined)[] {
  const commands = commandsOf(page);
  for (const { file, text } of page.blocks) if (file !== undefined) writeFileSync(join(folder, file), text);
  const steps = mkdtempSync(join(folder, "steps-"));
  const runs = commands.map(({ needsKernel }) => !needsKernel || kernelMissing === undefined);
  commands.forEach(({ command }, i) => {
    writeFileSync(join(steps, `${i}.sh`), `${command}\n`);
  });
  const lines = commands.flatMap(({ output }, i) =>
    runs[i] === true
      ? [
          `(${output === undefined ? "set -e; " : ""}. '${steps}/${i}.sh') > '${steps}/${i}.out' 2>&1; echo $? > '${steps}/${i}.rc'`,
        ]
      : [],
  );
  writeFileSync(join(steps, "all.sh"), lines.join("\n"));
  const isolate = commands.some(({ needsKernel }) => needsKernel) && kernelMissing === undefined;
  const [program = "", ...args] = [
    ...(isolate ? ["unshare", ...namespaceArguments] : []),
    "bash",
    join(steps, "all.sh"),
  ];
  const PATH = `${folder}/bin:${process.env["PATH"]}:/usr/sbin:/sbin`;
  const { error } = spawnSync(program, args, { cwd: folder, env: { ...process.env, PATH, NO_COLOR: "1" } });
  if (error !== undefined) throw error;
  return commands.map((_, i) =>
    runs[i] === true
      ? {
          status: Number(readFileSync(join(steps, `${i}.rc`), "utf8")),
          output: readFileSync(join(steps, `${i}.out`), "utf8"),
        }
      : undefined,
  );
}

/** What an example says that it prints or shows: the comments behind the statements that do. */
export function wantedOf({ text }: PageBlock): string[] {
  return [...text.matchAll(/(?:console\.log\(|\.textContent = ).*; \/\/ (.+)$/gm)].map(([, wanted = ""]) => wanted);
}
