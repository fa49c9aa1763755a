/** The command `kpc agent`. */
import { type Command, Option } from "commander";
import { type RunWork, withExamples } from "./command.ts";
import { withOptionsOfAgent } from "./options.ts";

export function addAgentCommand(program: Command, run: RunWork): void {
  withExamples(
    withOptionsOfAgent(
      program
        .command("agent")
        .description("as root on a node: follow the API server, and keep the rules of this machine right")
        .option("--kubeconfig <file>", "how to reach the API server (default: as a Pod does, by its service account)")
        .option("--context <name>", "the context of the kubeconfig (default: its current one)")
        .addOption(
          new Option(
            "-o, --output <format>",
            "rules to write (default: those of the mode): nft, iptables as the host has it, or one of its backends",
          ).choices(["nft", "iptables", "iptables-nft", "iptables-legacy"]),
        )
        .option("--dry-run", "print each transaction with the objects that led to it, and change nothing")
        .addOption(
          new Option("--on-drift <what>", "when others change the rules")
            .choices(["repair", "report"])
            .default("repair"),
        )
        .option(
          "--healthz-bind-address <address>",
          "where /healthz, /livez and /readyz answer (default: 0.0.0.0:10256)",
        )
        .option("--metrics-bind-address <address>", "where /metrics answers (default: 127.0.0.1:10249)")
        .option("--init-only", "set the sysctls that kube-proxy's settings ask for, in a privileged container, and end")
        .addOption(
          new Option(
            "--cleanup [what]",
            "remove kpc's rules, or what kube-proxy has left (--cleanup=kube-proxy), and end",
          ).choices(["kpc", "kube-proxy"]),
        ),
    ),
    "kpc agent -c kube-proxy.yaml --kubeconfig /etc/kubernetes/kpc.conf",
    "kpc agent --kubeconfig ~/.kube/config --node worker-1 --dry-run",
    "kpc agent --cleanup=kube-proxy",
  ).action((flags) => run(async () => (await import("./agent.ts")).agentCommand(flags)));
}
