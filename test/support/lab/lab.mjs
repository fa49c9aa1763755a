// @ts-check
/**
 * A node with pods and the world around it, in network namespaces. Runs inside the namespace that is the node; the others
 * belong to its children and are gone with them. Told what to do by a JSON object a line, like the agents; `at` names one:
 *
 *   {"id", "do": "build", "node": {"addresses"}, "pods": [{"name", "addresses"}], "outside": {"addresses", "routes"}}
 *   {"id", "do": "load", "command", "text"}      runs a shell command in the node with `text` as its input
 *   {"id", "do": "listen" | "ask", "at", …}      see agent.mjs
 *
 * Pods hang on the node by a link each and a route to their address, without a bridge; `outside` is the node's gateway
 * and has all addresses that are not here, among them the pods of other nodes.
 */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const AGENT = new URL("agent.mjs", import.meta.url).pathname;

/** @typedef {{ child: import("node:child_process").ChildProcess, ask: (message: object) => Promise<string> }} Agent */

/** @type {Map<string, Agent>} */
const agents = new Map();

/** @param {string} command */
function sh(command, input = "") {
  return execFileSync("sh", ["-ec", command], { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

/** @param {string} path @param {string | number} value */
function sysctl(path, value) {
  writeFileSync(`/proc/sys/net/${path}`, String(value));
}

/** Starts an agent, in a namespace of its own or in the node's. @param {string} name @param {boolean} apart */
async function startAgent(name, apart) {
  const command = apart ? ["unshare", "-n", process.execPath, AGENT] : [process.execPath, AGENT];
  const child = spawn(/** @type {string} */ (command[0]), command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  /** @type {Map<number, (answer: string) => void>} */
  const waiting = new Map();
  let next = 0;
  createInterface({ input: /** @type {import("node:stream").Readable} */ (child.stdout) }).on("line", (line) => {
    const { id, answer } = JSON.parse(line);
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  /** @param {object} message @returns {Promise<string>} */
  const ask = (message) =>
    new Promise((resolve) => {
      waiting.set(next, resolve);
      child.stdin?.write(`${JSON.stringify({ ...message, id: next++ })}\n`);
    });
  agents.set(name, { child, ask });
  // Its first answer means that it has unshared and runs.
  await ask({ do: "hello" });
  return child;
}

/** @param {string} address */
const bits = (address) => (address.includes(":") ? 128 : 32);
/** @param {string} address */
const ip = (address) => (address.includes(":") ? "ip -6" : "ip");
/** @param {string} address */
const nodad = (address) => (address.includes(":") ? "nodad" : "");

/** @param {{ node: { addresses: string[] }, pods: { name: string, addresses: string[] }[], outside: { addresses: string[], routes: string[] } }} world */
async function build({ node, pods, outside }) {
  sh("ip link set lo up");
  sysctl("ipv4/ip_forward", 1);
  sysctl("ipv6/conf/all/forwarding", 1);
  sysctl("ipv4/conf/all/route_localnet", 1);
  sysctl("ipv4/conf/all/rp_filter", 0);
  sysctl("ipv4/conf/default/rp_filter", 0);
  await startAgent("node", false);
  for (const { name, addresses } of pods) {
    const { pid } = await startAgent(name, true);
    const link = `veth-${name}`.slice(0, 15);
    const inside = `nsenter -t ${pid} -n`;
    sh(`ip link add ${link} type veth peer name eth0 netns ${pid}
      ip link set ${link} up
      ip addr add fe80::1/64 dev ${link} nodad
      ${inside} ip link set lo up
      ${inside} ip link set eth0 up`);
    sysctl(`ipv4/conf/${link}/proxy_arp`, 1);
    sysctl(`ipv4/neigh/${link}/proxy_delay`, 0);
    for (const address of addresses) {
      sh(`${inside} ip addr add ${address}/${bits(address)} dev eth0 ${nodad(address)}
        ${ip(address)} route add ${address}/${bits(address)} dev ${link}`);
    }
    sh(`${inside} ip route add 169.254.1.1 dev eth0 scope link
      ${inside} ip route add default via 169.254.1.1 dev eth0
      ${inside} ip -6 route add default via fe80::1 dev eth0`);
  }
  const { pid } = await startAgent("outside", true);
  const inside = `nsenter -t ${pid} -n`;
  sh(`ip link add eth0 type veth peer name eth0 netns ${pid}
    ip link set eth0 up
    ip addr add fe80::2/64 dev eth0 nodad
    ${inside} sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    ${inside} ip link set lo up
    ${inside} ip link set eth0 up
    ${inside} ip addr add 169.254.2.2/32 dev eth0
    ${inside} ip addr add fe80::3/64 dev eth0 nodad`);
  // The node's own addresses are the only ones on its outer link: masquerading has no other to choose.
  for (const address of node.addresses) {
    sh(`ip addr add ${address}/${bits(address)} dev eth0 ${nodad(address)}
      ${inside} ${ip(address)} route add ${address}/${bits(address)} dev eth0`);
  }
  sh(`ip route add 169.254.2.2 dev eth0 scope link
    ip route add default via 169.254.2.2 dev eth0
    ip -6 route add default via fe80::3 dev eth0`);
  for (const address of outside.addresses)
    sh(`${inside} ip addr add ${address}/${bits(address)} dev lo ${nodad(address)}`);
  const [via = ""] = node.addresses.filter((address) => !address.includes(":"));
  for (const route of outside.routes) {
    sh(`${inside} ${ip(route)} route add ${route} via ${route.includes(":") ? "fe80::2 dev eth0" : via}`);
  }
  return "built";
}

/** @param {{ do: string, at?: string, command?: string, text?: string }} message @returns {Promise<string>} */
async function obey(message) {
  switch (message.do) {
    case "build":
      return build(/** @type {any} */ (message));
    case "load":
      return sh(message.command ?? "", message.text);
    default: {
      const agent = agents.get(message.at ?? "");
      if (agent === undefined) throw new Error(`nobody is called ${message.at}`);
      return agent.ask(message);
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...message } = JSON.parse(line);
  obey(message).then(
    (answer) => process.stdout.write(`${JSON.stringify({ id, answer })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id, error: `${error.message}${error.stderr ?? ""}` })}\n`),
  );
}
process.exit(0);
