/** A shell script that writes the files of a node into a folder. It only prints what is there. */
export const COLLECT_SCRIPT = `#!/bin/sh
mkdir -p "\${1:-node-files}" && cd "\${1:-node-files}" || exit 1
ip -j -d addr > addr.json
ip -4 -j route show table all > routes-ipv4.json
ip -6 -j route show table all > routes-ipv6.json
ip -4 -j rule > policy-ipv4.json
ip -6 -j rule > policy-ipv6.json
bridge -j -d link > bridge-ports.json
bridge -j fdb > bridge-fdb.json
ip -j neigh > neighbours.json
sysctl -a 2> /dev/null | grep -E '^(kernel.osrelease|net\\.)' > sysctl.txt
if nft list tables 2> /dev/null | grep -qE 'kube-proxy|kpc'; then nft list ruleset > rules.nft
else iptables-save > rules.ipv4; ip6tables-save > rules.ipv6; fi
`;
