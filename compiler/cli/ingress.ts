/** The commands below `kpc ingress`. */
import type { Command } from "commander";
import { type RunWork, withExamples } from "./command.ts";
import { withCommonOptions, withProxyOptions } from "./options.ts";

/** Adds `kpc ingress` to the commands. */
export function addIngressCommands(program: Command, run: RunWork): void {
  const ingress = program
    .command("ingress")
    .description("serve the Ingresses of manifests with a HAProxy of this machine");
  withExamples(
    withCommonOptions(
      withProxyOptions(
        ingress
          .command("run")
          .description("run HAProxy with what the inputs say, and follow their changes until it is interrupted")
          .argument("[inputs...]", "manifests: files or folders")
          .requiredOption("-d, --directory <folder>", "folder for HAProxy's files and sockets"),
      ),
    ),
    "kpc ingress run manifests/ -d /run/kpc-ingress",
    "kpc ingress run -R manifests/ -c kpc.yaml -d /run/kpc-ingress -q",
  ).action((inputs: string[], flags) =>
    run(async () => (await import("./ingress-run.ts")).ingressRunCommand(inputs, flags)),
  );
}
