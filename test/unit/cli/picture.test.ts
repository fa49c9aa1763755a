/** `kpc picture`: what it draws, and what it refuses. */
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";
import { mustCompile, printNft } from "../../support/compile.ts";
import { svgFaults } from "../../support/scene-checks.ts";
import { webCluster } from "../../support/tables.ts";

const RULES = printNft(mustCompile(webCluster(["10.244.1.7", "10.244.1.8"])).program);

/** So many chains that no two have one shape. */
const MANY = `table ip x {\n${Array.from(
  { length: 61 },
  (_, i) => `chain c${i} { type filter hook input priority ${i}; policy accept; tcp dport ${i + 1} accept }\n`,
).join("")}}\n`;

const FILES = {
  "rules.nft": RULES,
  "many.nft": MANY,
  "none.nft": "table ip x { set s { type ipv4_addr; } }\n",
  "service.yaml":
    "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n",
};

function picture(...args: string[]): ReturnType<typeof kpc> {
  return inFolder(FILES, (folder) => kpc(["picture", ...args], { folder }));
}

describe("kpc picture", () => {
  test("draws rules, from a file and from standard input", () => {
    const { code, stdout, stderr } = picture("rules.nft");
    expect({ code, stderr, faults: svgFaults(stdout) }).toEqual({ code: 0, stderr: "", faults: [] });
    expect(stdout).toContain("Rules of rules.nft: which chain leads to which");
    const read = kpc(["picture", "-"], { input: RULES });
    expect(read.stdout).toBe(stdout.replaceAll("rules.nft", "standard input"));
  });

  test("draws the rules that manifests give a node, and one table or chain of them", () => {
    const { code, stdout } = picture(
      "service.yaml",
      "--chains",
      "--node",
      "n1",
      "-q",
      "--table",
      "ip kpc",
      "--chain",
      "services",
    );
    expect({ code, faults: svgFaults(stdout) }).toEqual({ code: 0, faults: [] });
    expect(stdout).toContain("Rules of n1, table ip kpc: which chain leads to which");
    expect(stdout).toContain("at most two jumps from services.");
  });

  test("draws who reaches which endpoints of a Service", () => {
    const { code, stdout, stderr } = picture("service.yaml", "-q", "--node", "n1", "--service", "web");
    expect({ code, stderr, faults: svgFaults(stdout) }).toEqual({ code: 0, stderr: "", faults: [] });
    expect(stdout).toContain("Service shop/web: who reaches which endpoints");
    expect(stdout).toContain("rejected: no endpoint");
  });

  test("a scheme has no style sheet, transparent no ground", () => {
    const { stdout } = picture("rules.nft", "--scheme", "dark", "--transparent");
    expect(stdout).not.toContain("<style>");
    expect(stdout).toContain('fill="#EDF1F5"');
    expect(stdout).not.toContain("#0F141A");
  });

  test("prints a mermaid flowchart", () => {
    expect(picture("rules.nft", "-o", "mermaid").stdout).toMatch(/^flowchart LR\n {2}subgraph t0\["table ip kpc"\]\n/);
  });

  test.each([
    [[], "no input: name manifests or rules, or - for standard input"],
    [["rules.nft", "service.yaml"], "service.yaml has manifests, and rules.nft has rules: expected one of both"],
    [["rules.nft", "--table", "nat"], '--table: the rules have no table "nat"; they have ip kpc, ip6 kpc'],
    [["rules.nft", "--chain", "service"], '--chain: the rules have no chain "service", did you mean "services"?'],
    [["rules.nft", "--service", "web"], '--service: expected NAMESPACE/NAME, found "web"'],
    [["rules.nft", "--service", "shop/none"], "--service: no chain, rule or element names shop/none"],
    [
      ["service.yaml", "-q", "--service", "shop/wep"],
      '--service: the input has no Service with a port and a cluster IP named "shop/wep", did you mean "shop/web"?',
    ],
    [["service.yaml", "--service", "web", "--chain", "x"], "--chain chooses rules: add --chains"],
    [["service.yaml", "--service", "web", "-o", "mermaid"], "--service: expected -o svg, found -o mermaid"],
    [["none.nft"], "the rules of none.nft have no chain that packets reach: there is nothing to draw"],
    [
      ["many.nft"],
      "61 chains of different shape are too many for one picture: expected at most 60; choose with --chain NAME, --service NAMESPACE/NAME or --table 'FAMILY NAME': ip x (61)",
    ],
  ])("refuses %j", (args, message) => {
    const { code, stdout, stderr } = picture(...args);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: `kpc: ${message}\n` });
  });
});
