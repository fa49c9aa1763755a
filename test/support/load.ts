/** Loading a program's texts into the kernel, in every way that users load them. */
import type { Program } from "../../compiler/ir/types.ts";
import { printIptables, printNft } from "./compile.ts";
import { inNamespace, withFiles } from "./kernel.ts";

/** The command with which a text that is loaded again leaves out the jumps that are there: as the text's head says. */
export function loadAgain(save: string, restore: string, path: string): string {
  return `${save} | sed -n 's/^-A \\([A-Z]* -j KPC-[A-Z-]*\\)$/-I \\1/p' | grep -vxFf - ${path} | ${restore} --noflush`;
}

/** Loads the nft text and, for both families and backends, the iptables text of `program`, each twice, into a fresh
 *  namespace that has rules of its own. Gives the complaints; empty when all is well: everything loads, the second time
 *  changes nothing, the host's rules are still there, and each jump is there once. */
export function complaintsOfKernel(program: Program): Promise<string> {
  const texts = [printNft(program), printIptables(program, "ip"), printIptables(program, "ip6")];
  return withFiles(texts, async ([nft = "", v4 = "", v6 = ""]) => {
    const script = [
      "set -e",
      loadTwiceNft(nft),
      ...["nft", "legacy"].flatMap((backend) => [
        loadTwiceIptables(`iptables-${backend}`, v4),
        loadTwiceIptables(`ip6tables-${backend}`, v6),
      ]),
    ].join("\n");
    const { status, output } = await inNamespace(script);
    return status === 0 ? output : `exit ${status}: ${output}`;
  });
}

function loadTwiceNft(path: string): string {
  return `
nft 'add table ip kpc-host; add chain ip kpc-host own; add rule ip kpc-host own counter'
nft -f ${path}
nft -s list ruleset > ${path}.first
nft -f ${path}
nft -s list ruleset > ${path}.second
cmp ${path}.first ${path}.second
nft list chain ip kpc-host own | grep -q counter || echo 'the rules of another table are gone'
nft 'add table ip kpc; delete table ip kpc; add table ip6 kpc; delete table ip6 kpc'
if nft list ruleset | grep -qw 'kpc {'; then echo 'something stays after removal'; fi
nft flush ruleset`;
}

/** Counters differ from load to load: saves are compared without them. */
function loadTwiceIptables(tool: string, path: string): string {
  const save = `${tool}-save | grep -v '^#' | sed 's/ \\[[0-9:]*\\]$//'`;
  return `
${tool} -t nat -A PREROUTING -j RETURN
${tool} -A INPUT -j RETURN
${tool}-restore --noflush ${path}
${save} > ${path}.first
${loadAgain(`${tool}-save`, `${tool}-restore`, path)}
${save} > ${path}.second
diff ${path}.first ${path}.second
for jump in $(grep -o 'j KPC-[A-Z]*-[A-Z]*$' ${path} | cut -c3- | sort -u); do
  count=$(grep -c -e "^-A [A-Z]* -j $jump\\$" ${path}.second) || true
  [ "$count" = 1 ] || echo "${tool}: $count jumps to $jump"
done
${tool} -t nat -C PREROUTING -j RETURN
${tool} -C INPUT -j RETURN
${tool}-save | grep -v KPC- | ${tool}-restore
if ${tool}-save | grep -q KPC-; then echo '${tool}: something stays after removal'; fi
${tool} -t nat -F; ${tool} -F`;
}
