/** A node with the real kube-proxy, or with kpc's agent: a network namespace, in which it makes rules of what the real API server has. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiRelay, RELAYED_URL } from "./api-relay.ts";
import { kubeBinary } from "./binaries.ts";
import { NamespaceShell } from "./namespace-shell.ts";
import type { KubeUser, RealApiServer } from "./real-api-server.ts";
import { RuleMonitor } from "./rule-monitor.ts";

export interface KubeProxySettings {
  readonly mode: "nftables" | "iptables";
  readonly nodeName: string;
  /** Addresses of the node, with the length of their prefixes. */
  readonly addresses: readonly string[];
  /** Other members of KubeProxyConfiguration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** As whom it comes to the API server. */
  readonly user?: KubeUser;
}

export interface NodeProcess {
  readonly command: string;
  readonly kilobytes: number;
  readonly seconds: number;
}

/** What makes the rules of the node. */
export type NodeProxy = "kube-proxy" | "kpc agent";

/** Milliseconds in which the proxy has to make rules of everything on a machine that is busy. */
const PATIENCE_MS = 120_000;

/** How many were started, each of which has a log of its own: nobody reads what an earlier one said. */
let started = 0;

export class KubeProxyNode {
  /** The text of its KubeProxyConfiguration, which kpc reads too. */
  readonly config: string;
  private readonly shell: NamespaceShell;
  private readonly mode: KubeProxySettings["mode"];
  private readonly log: string;

  private constructor(shell: NamespaceShell, mode: KubeProxySettings["mode"], config: string, log: string) {
    this.shell = shell;
    this.mode = mode;
    this.config = config;
    this.log = log;
  }

  /** Makes the node and starts the proxy in it. Objects may be there before. */
  static async start(
    api: RealApiServer,
    relay: ApiRelay,
    settings: KubeProxySettings,
    proxy: NodeProxy = "kube-proxy",
  ): Promise<KubeProxyNode> {
    const { mode, nodeName, addresses, user = "system:kube-proxy" } = settings;
    const at = (name: string): string => join(api.folder, name);
    writeFileSync(at("kube-proxy.kubeconfig"), api.kubeconfig(user, RELAYED_URL));
    const config = JSON.stringify(
      {
        apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
        kind: "KubeProxyConfiguration",
        mode,
        hostnameOverride: nodeName,
        clientConnection: { kubeconfig: at("kube-proxy.kubeconfig") },
        conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
        ...settings.config,
      },
      null,
      2,
    );
    writeFileSync(at("kube-proxy.json"), config);
    const shell = new NamespaceShell();
    const links = addresses.map(
      (address) => `ip address add ${address} dev node0 nodad 2>/dev/null || ip address add ${address} dev node0`,
    );
    await shell.run(
      ["ip link set lo up", "ip tuntap add dev node0 mode tun", "ip link set node0 up", ...links].join("\n"),
    );
    await shell.run(relay.relayScript);
    const log = at(`${proxy.replace(" ", "-")}-${++started}.log`);
    const kpc = `'${process.execPath}' '${join(process.cwd(), "dist/bin/kpc.cjs")}' agent`;
    const command = proxy === "kube-proxy" ? `${kubeBinary("kube-proxy")} --v 2 --config` : `${kpc} -c`;
    await shell.run(`: > ${log}; ${command} ${at("kube-proxy.json")} >> ${log} 2>&1 &`);
    return new KubeProxyNode(shell, mode, config, log);
  }

  /** Its rules, once all of `words` are in them: `nft list ruleset`, or iptables-save and ip6tables-save. */
  async rules(words: readonly string[]): Promise<string> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = await this.shell.run(LISTING[this.mode]);
      if (words.every((word) => text.includes(word))) return text;
      if (Date.now() > end)
        throw new Error(`the proxy makes no rules: ${await this.shell.run(`tail -n 20 ${this.log}`)}`);
      await sleep(50);
    }
  }

  /** What it has printed, once that has what `wanted` finds. */
  async said(wanted: RegExp): Promise<string> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const text = await this.shell.run(`cat ${this.log}`);
      if (wanted.test(text)) return text;
      if (Date.now() > end) throw new Error(`${wanted} is not printed:\n${text.slice(-2000)}`);
      await sleep(50);
    }
  }

  /** The status and the text of an answer over HTTP in the namespace. */
  async answer(url: string): Promise<{ readonly status: number; readonly text: string }> {
    const program = `fetch("${url}").then(async (it) => console.log(it.status + "\\n" + (await it.text())))`;
    const [status, ...lines] = (await this.shell.run(`'${process.execPath}' -e '${program}'`)).split("\n");
    return { status: Number(status), text: lines.join("\n") };
  }

  /** A command in the namespace, and what it prints. */
  run(command: string): Promise<string> {
    return this.shell.run(command);
  }

  /** Tells what is added to its rules from now on. */
  async monitor(): Promise<RuleMonitor> {
    const path = `${this.log}.monitor`;
    await this.shell.run(`: > ${path}; ${HEAR_COMMITS} > ${path} & sleep 0.2`);
    return new RuleMonitor(path);
  }

  /** Kilobytes of memory and seconds of CPU time, with those of its children that have ended, of each process in the namespace that is no tool of
   *  the test. */
  async processes(): Promise<readonly NodeProcess[]> {
    const text = await this.shell.run(
      'ps -e -o pid=,rss=,args= | while read -r pid rest; do echo "$rest | $(cat /proc/$pid/stat 2> /dev/null)"; done',
    );
    return text.split("\n").flatMap((line): NodeProcess[] => {
      const [, kilobytes, command = "", stat = ""] = /^(\d+) +(.*) \| .*\) (.*)$/.exec(line) ?? [];
      const isProxy = /kpc\.cjs agent|kube-proxy --|netfilter\.pl|nft -i/.test(command);
      // Ticks in user mode and in the kernel, and the same of children.
      const ticks = stat.split(" ").slice(11, 15).map(Number);
      const seconds = ticks.reduce((sum, each) => sum + each, 0) / 100;
      return isProxy && !command.startsWith("sh ") ? [{ command, kilobytes: Number(kilobytes), seconds }] : [];
    });
  }

  close(): Promise<void> {
    return this.shell.close();
  }
}

/** Prints the messages in which the kernel tells of commits, as they are. `nft monitor` reads all rules first, which takes minutes where kube-proxy has
 *  made those of 10,000 Services. */
const HEAR_COMMITS = `perl -MSocket -e '
  socket(my $netlink, 16, SOCK_RAW, 12) or die $!;
  setsockopt $netlink, SOL_SOCKET, 33, pack "i", 64 << 20; # SO_RCVBUFFORCE
  bind $netlink, pack "SSLL", 16, 0, 0, 1 << 6 or die $!;  # the group of nf_tables
  $| = 1;
  while (1) { print $_ if defined recv $netlink, $_, 1 << 20, 0 }'`;

const LISTING = {
  nftables: "nft -s list ruleset",
  iptables: "iptables-save; ip6tables-save",
} as const;
