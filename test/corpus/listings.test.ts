/** What the kernel lists of a dump that was loaded does to every packet what the dump does. */
import { describe, expect, test } from "vitest";
import { compare } from "../../compiler/compare/compare.ts";
import { unreachedIn } from "../../compiler/compare/unreached.ts";
import type { Address } from "../../compiler/net/address.ts";
import { allDumps, type Dump } from "../support/dumps.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";

const dumps = allDumps();

/** What the kernel lists of a text; undefined when it does not load. */
async function listingOf(dump: Dump): Promise<string | undefined> {
  const rules = dump.rules(dump.text);
  if (rules.kind === "nft") return run(rules.text, (path) => `nft -f ${path}`, "nft -s list ruleset");
  const tool = rules.ip === "" ? "ip6tables-nft" : "iptables-nft";
  return run(rules.ip === "" ? rules.ip6 : rules.ip, (path) => `${tool}-restore ${path}`, `${tool}-save`);
}

async function run(text: string, load: (path: string) => string, list: string): Promise<string | undefined> {
  return withFiles([text], async ([path = ""]) => {
    const { status, output } = await inNamespace(`${load(path)} >/dev/null 2>&1 || exit 9; ${list} 2>/dev/null`);
    return status === 0 ? output : undefined;
  });
}

/** All addresses of a host that has no others. */
const LOOPBACK = [0x7f000001, 1n] as Address[];

/** Steps for one dump. */
const BUDGET = 400_000;

/** Dumps that the tools refuse, and why: nothing can be listed of them. */
const NOT_LOADED: Readonly<Record<string, string>> = {
  "aks-kubeproxy-npm.rules": "its ipsets are not there",
  "centos7-production.rules": "carriage returns",
  "fw4-log-limit.nft": "ports without a protocol",
  "openstack-neutron-qrouter-nat.rules": "a listing of iptables -S",
  "openwrt-attitude-adjustment.rules": "a prompt, and carriage returns",
  "parser-stress.rules": "an option that there is not",
  "podman-rootless.nft": "placeholders for addresses",
  "qubes-unikernel-fw.rules": "prose around it",
  "synthetic-mixed-400.nft": "ports without a protocol",
  "tum-netchair-2015-09.rules": "hardware addresses taken out",
  "veroneau.rules": "a blank behind COMMIT",
};

async function answerFor(dump: Dump): Promise<string> {
  const listing = await listingOf(dump);
  if (listing === undefined) return "does not load";
  const [own, listed] = [dump.read(dump.text), dump.read(listing)];
  // Files that a pattern would name are not there.
  const [unread] = own.findings.filter((each) => !/ warning rules-include /.test(each));
  if (unread !== undefined) return `not all is read: ${unread}`;
  if (listed.findings.length > 0) return `not all of the listing is read: ${listed.findings[0]}`;
  const { differing, open, regions } = compare(own.program, listed.program, {
    addresses: LOOPBACK,
    families: dump.families,
    budget: BUDGET,
    keep: 5,
  });
  const [unreached] = unreachedIn(own.program, listed.program);
  if (unreached !== undefined) return unreached;
  const [first] = regions;
  if (first !== undefined) return `${differing} classes differ, if ${first.assumptions.join(", ")}`;
  return open.length > 0 ? "more steps than a test has" : "equal";
}

describe.skipIf(kernelMissing !== undefined || dumps.length === 0)(
  `dumps and their listings${dumps.length > 0 ? "" : " (skipped: there is no ../shared/corpus)"}`,
  () => {
    const titled = dumps.map((dump) => ({ dump, title: `${dump.name}${whyNot(dump)}` }));
    test.each(titled)("$title", async ({ dump }) => {
      expect(await answerFor(dump)).toBe(dump.name in NOT_LOADED ? "does not load" : "equal");
    });
  },
);

function whyNot({ name }: Dump): string {
  const reason = NOT_LOADED[name];
  return reason === undefined ? "" : ` (does not load: ${reason})`;
}
