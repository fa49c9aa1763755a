/** `kpc compile -o node-setup`: what a node needs besides rules. */
import { basename, join } from "node:path";
import { type ResolvedInput, resolveInput } from "../compile.ts";
import { describeNetwork } from "../described.ts";
import { required } from "../invariant.ts";
import type { NetworkLayout } from "../layout/types.ts";
import { nodeSetup, unwritableName } from "../network/setup/node-setup.ts";
import { resolveConfigs } from "../node/all-nodes.ts";
import { VERSION } from "../version.ts";
import { FileSet, isFileName } from "./file-set.ts";
import { type CommonFlags, EXIT, exitCodeOf, inputsOf, note, optionsOf, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Prints the script of one node, or writes those of all nodes to `folder`. Throws `Trouble` where no Node is known, or several are and
 *  none is named. */
export async function nodeSetupCommand(
  names: readonly string[],
  flags: CommonFlags,
  folder: string | undefined,
): Promise<number> {
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, resolved } = resolveInput(
    load,
    { ...config, nodeName: undefined },
    { ...optionsOf(flags), checksNetwork: true },
    resolveConfigs,
  );
  // Without Services there is something to set up nevertheless.
  showDiagnostics(
    diagnostics.filter(({ code }) => code !== "no-services"),
    flags,
  );
  if (resolved === undefined) return exitCodeOf(diagnostics);
  const nodes = resolved.specs.nodes.filter(({ assumed }) => assumed !== true).map(({ meta }) => meta.name);
  if (nodes.length === 0)
    throw new Trouble("-o node-setup needs the Nodes of the cluster, which say where pods are: the input has none");
  const wanted = folder === undefined ? [chosenOf(nodes, config.nodeName)] : nodes;
  const { layout } = describeNetwork(resolved);
  const scripts = new Map(wanted.map((node) => [node, scriptOf(node, layout, resolved)]));
  if (folder === undefined) await print([...scripts.values()].join(""));
  else writeScripts(scripts, folder, flags);
  return EXIT.fine;
}

function chosenOf(nodes: readonly string[], named: string | undefined): string {
  const [only, more] = nodes;
  if (named !== undefined) {
    if (!nodes.includes(named))
      throw new Trouble(`there is no Node ${named} in the input: expected ${nodes.join(", ")}`);
    return named;
  }
  if (only === undefined || more !== undefined)
    throw new Trouble(
      `the input has several Nodes: add --node NAME, one of ${nodes.join(", ")}; or --all-nodes -d DIR`,
    );
  return only;
}

function scriptOf(node: string, { network }: NetworkLayout, { specs }: ResolvedInput): string {
  const host = required(network.hosts.get(`node/${node}`), `${node} is laid out`);
  const odd = unwritableName(host);
  if (odd !== undefined) throw new Trouble(`no script can name the interface ${JSON.stringify(odd)} of node ${node}`);
  const said = specs.network?.pods?.network?.value ?? "bridge, since no Cluster says otherwise";
  return nodeSetup(network, host, [
    `What node ${node} needs besides rules. Pod network: ${said}. Written by kpc ${VERSION}.`,
    "",
    "Run as root, as often as you like:  sh FILE",
    "A bridge or tunnel that is there already by its name is taken as it is.",
    "Not here: the node's own address and default route; the interfaces of pods, and routes to the node's own pods, which",
    "a CNI plugin makes; settings that have to survive a reboot (/etc/sysctl.d).",
  ]);
}

function writeScripts(scripts: ReadonlyMap<string, string>, folder: string, flags: CommonFlags): void {
  const files = new FileSet(folder);
  try {
    const written = [...scripts].map(([node, script]) => {
      const name = `${node}.sh`;
      if (!isFileName(name)) throw new Trouble(`no file can be named ${JSON.stringify(name)}`);
      files.add(name, script);
      return join(folder, name);
    });
    files.commit();
    const texts = written.map((file) => basename(file));
    note(
      [`wrote the setup of ${texts.length} node${texts.length === 1 ? "" : "s"} to ${folder}: ${texts.join(", ")}`],
      flags,
    );
  } finally {
    files.discard();
  }
}
