/**
 * The real kube-proxy held against kpc: random clusters on the real API server, in both modes or in one.
 *
 *   npm run soak:kube-proxy -- [--clusters 100] [--seed N] [--mode nftables|iptables] [--keep FOLDER] [--follow]
 *
 * Each cluster is written to a kube-apiserver. A kube-proxy in a network namespace makes its rules of it, and `kpc verify` compares
 * those with what kpc makes of the same objects and the same KubeProxyConfiguration. Differences that `known-differences.ts` does not explain are
 * printed, and the files of their clusters are kept in FOLDER.
 *
 * With --follow, kpc's agent and one kube-proxy follow the API server, each on a node of its own, while its cluster becomes each of the random ones.
 * Then the agent's rules must be those of compile each time, too.
 *
 * Needs root and what `sh test/support/kube/build.sh` builds. Exit code 1 where a difference is not explained.
 */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { kubeMissing } from "../support/kube/binaries.ts";
import { type ProxyCase, ProxyJudge, proxyCase } from "../support/kube/proxy-agreement.ts";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      clusters: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      mode: { type: "string" },
      keep: { type: "string" },
      follow: { type: "boolean", default: false },
    },
  });
  const missing = kubeMissing(["etcd", "kube-apiserver", "kube-proxy"]);
  if (missing !== undefined) {
    console.log(`kube-proxy is not asked: ${missing}`);
    return 0;
  }
  const [clusters, seed] = [Number(values.clusters), Number(values.seed)];
  const { mode } = values;
  if (mode !== undefined && mode !== "nftables" && mode !== "iptables")
    throw new Error(`--mode: expected nftables or iptables, found ${mode}`);
  const cases = fc
    .sample(proxyCase, { seed, numRuns: clusters })
    .map((each): ProxyCase => ({ ...each, mode: mode ?? each.mode }));
  if (values.follow) return await follow(cases, seed);
  const explained = new Map<string, number>();
  const count = { refused: 0, objects: 0, classes: 0, equal: 0, bad: 0 };
  const judge = await ProxyJudge.start();
  try {
    for (const [i, each] of cases.entries()) {
      const { refused, classes, unexplained, trouble, ...found } = await judge.judge(each);
      count.refused += refused.length;
      count.objects += each.objects.length;
      count.classes += classes;
      for (const [why, number] of found.explained) explained.set(why, (explained.get(why) ?? 0) + number);
      if (found.explained.size === 0 && unexplained.length === 0 && trouble === undefined) count.equal++;
      if (unexplained.length === 0 && trouble === undefined) continue;
      count.bad++;
      console.log(`cluster ${i} of seed ${seed}, ${each.mode}: ${trouble ?? `${unexplained.length} differences`}`);
      for (const line of unexplained.slice(0, 5)) console.log(`  ${line}`);
      if (values.keep !== undefined) keep(judge.folder, join(values.keep, `${seed}-${i}`));
    }
  } finally {
    await judge.stop();
  }
  console.log(
    `seed ${seed}: ${clusters} clusters, ${count.objects} objects (${count.refused} refused), ${count.classes} classes of packets`,
  );
  console.log(
    `${count.equal} equal, ${clusters - count.equal - count.bad} with explained differences only, ${count.bad} with others`,
  );
  for (const [why, number] of explained) console.log(`  ${number} classes: ${why}`);
  return count.bad > 0 ? 1 : 0;
}

async function follow(cases: readonly ProxyCase[], seed: number): Promise<number> {
  const judge = await ProxyJudge.start();
  try {
    const rounds = await judge.follow(cases.map((each) => ({ ...each, mode: "nftables" })));
    const bad = [...rounds.entries()].filter(([, { own, unexplained }]) => own !== "equal" || unexplained.length > 0);
    for (const [round, { own, unexplained }] of bad) {
      console.log(`round ${round} of seed ${seed}: the agent's rules and compile's: ${own}`);
      for (const line of unexplained.slice(0, 5)) console.log(`  ${line}`);
    }
    console.log(
      `seed ${seed}: ${rounds.length} clusters followed, ${bad.length} with rules that differ from compile's or kube-proxy's`,
    );
    return bad.length > 0 ? 1 : 0;
  } finally {
    await judge.stop();
  }
}

function keep(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ["cluster.json", "rules", "kube-proxy.json"]) cpSync(join(from, name), join(to, name));
}

process.exitCode = await main();
