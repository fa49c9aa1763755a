/** Hosts of test worlds, as the product reads them from what their commands print. */
import type { Diagnostic, Source } from "../../compiler/diagnostics.ts";
import { COLLECT_SCRIPT } from "../../compiler/hostfiles/collect.ts";
import { readHostFiles } from "../../compiler/hostfiles/host.ts";
import type { Host } from "../../compiler/network/network.ts";
import { hostCommands } from "../../runtime/lab/host-commands.ts";
import { inNamespace } from "./kernel.ts";

/** The host that `texts` describe, and what kpc finds about them. */
export function readHostTexts(texts: readonly string[]): {
  readonly host: Host | undefined;
  readonly findings: readonly Diagnostic[];
} {
  const findings: Diagnostic[] = [];
  const sources = texts.map((text, i): Source => ({ name: `file-${i + 1}`, text }));
  const { host } = readHostFiles("n1", sources, (finding) => void findings.push(finding));
  return { host, findings };
}

/** The same of texts that have no error. */
export function readHost(texts: readonly string[]): Host {
  const { host, findings } = readHostTexts(texts);
  if (host === undefined) throw new Error(`no host: ${findings.map(({ message }) => message).join("; ")}`);
  return host;
}

/** Makes `host` of a namespace, and collects its files there with the script that users run: by name. Throws if a command fails. */
export async function collectFiles(host: Host): Promise<ReadonlyMap<string, string>> {
  const ends = host.interfaces.filter(({ kind }) => kind === "ethernet");
  const lines = ends
    .filter(({ isUp }) => isUp)
    .map(({ name, lacksCarrier }) => ({ name, isConnected: lacksCarrier !== true }));
  const connected = lines.filter(({ isConnected }) => isConnected);
  const forwarding = ends.filter(
    ({ isUp, lacksCarrier, port }) => isUp && lacksCarrier !== true && port?.isForwarding === true,
  );
  const { output } = await inNamespace(`
unshare -n sleep 60 & other=$!
trap 'kill $other; rm -rf "$folder"' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
folder=$(mktemp -d)
set -e
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
${ends.map(({ name }, i) => `ip link add ${name} type veth peer name p${i} netns $other`).join("\n")}
${ends.map(({ lacksCarrier }, i) => (lacksCarrier === true ? "" : `nsenter -t $other -n ip link set p${i} up`)).join("\n")}
{
${hostCommands(host).join("\n")}
} || echo @@failed
${waitFor(`[ "$(ip -o link show up | grep -c 'LOWER_UP.*state UP.*link/ether')" -ge ${connected.length} ]`)}
${waitFor(`[ "$(bridge link show | grep -c 'state forwarding')" -ge ${forwarding.length} ]`)}
${waitFor(`[ "$(ip -6 route show table local type local | wc -l)" -ge "$(ip -6 -o addr show up | wc -l)" ]`)}
sh -s "$folder" <<'END'
${COLLECT_SCRIPT}
END
cd "$folder"; for file in *; do echo "@@file $file"; cat $file; done`);
  const [before = "", ...files] = output.split(/^@@file /m);
  if (before.trim() !== "" || files.length === 0)
    throw new Error(`the host could not be made: ${output.slice(0, 2000)}`);
  return new Map(
    files.map((file) => {
      const end = file.indexOf("\n");
      return [file.slice(0, end), file.slice(end + 1)];
    }),
  );
}

/** The kernel brings links and bridge ports up, and adds routes of IPv6 addresses, a little later. */
function waitFor(condition: string): string {
  return `i=0; until ${condition} || [ $i -eq 500 ]; do i=$((i+1)); sleep 0.01; done`;
}
