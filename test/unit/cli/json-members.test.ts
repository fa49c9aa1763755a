/** docs/json.md has each member of each JSON output, and each output says what it is. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CliResult, inFolder, kpc } from "../../support/cli.ts";
import { node, pod, service } from "../../support/walks.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SHOP = [`${ROOT}examples/shop/manifests`, "-c", `${ROOT}examples/shop/kpc.yaml`, "--node", "node-1"];

/** What stands before the first section: members of all outputs, and of a place. */
const [BEGINNING, ...PARTS] = readFileSync(`${ROOT}docs/json.md`, "utf8").split(/^## /m);
const SECTIONS = new Map(PARTS.map((text) => [text.slice(0, text.indexOf("\n")), text]));

const PACKET = "tcp 203.0.113.9 > 198.51.100.40:80";
const nft = kpc(["compile", ...SHOP]).stdout;
const v4 = kpc(["compile", ...SHOP, "--mode", "iptables", "-o", "iptables"]).stdout;
const FILES = {
  "rules.nft": nft,
  "wrong.nft": nft.replaceAll("10.244.1.21", "10.244.1.99"),
  "host.v4": v4.replace(/^COMMIT$/m, "-A FORWARD -s 203.0.113.0/24 -j DROP\nCOMMIT"),
  "odd.v4": v4.replace(/^COMMIT$/m, "-A FORWARD -m string --string x --algo bm -j DROP\n-A FORWARD --what\nCOMMIT"),
  "typo.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a, name: b}\nspec: {ports: [{port: 0}]}\n",
  "before.json": JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      node("node-1", 1),
      pod("web-1", "node-1", "10.244.1.10", "web", 8080),
      service("web", 30, "web", { ports: [{ name: "http", port: 80, targetPort: 8080 }] }),
    ],
  }),
  "except.yaml":
    "apiVersion: kpc.dev/v1alpha1\nkind: Differences\ndifferences:\n  - {reason: none, destination: 10.96.0.20, destinationPort: 81, left: drop, right: reject with port-unreachable}\n",
};

const OUTPUTS: readonly [kind: string, section: string, args: readonly string[]][] = [
  ["Diagnostics", "Diagnostics", ["check", "typo.yaml"]],
  ["Compilation", "kpc compile", ["compile", ...SHOP]],
  ["Trace", "kpc trace", ["trace", "tcp pod/shop/api-1 > svc/shop/api:http", ...SHOP]],
  ["Trace", "kpc trace", ["trace", PACKET, "--rules", "odd.v4"]],
  ["Walk", "kpc trace", ["trace", "tcp internet > node-1:30123", ...SHOP.slice(0, 3)]],
  ["Route", "kpc whatis", ["whatis", "shop.example.com/api", ...SHOP.slice(0, 1)]],
  ["Route", "kpc whatis", ["whatis", "example.com/", ...SHOP.slice(0, 1)]],
  ["Frontends", "kpc list", ["list", ...SHOP]],
  ["Matrix", "kpc matrix", ["matrix", ...SHOP, "--service", "partners"]],
  ["MatrixChanges", "kpc matrix", ["matrix", ...SHOP, "--against", "before.json"]],
  ["TestResults", "kpc test", ["test", `${ROOT}examples/shop/expectations.yaml`]],
  ["Comparison", "kpc diff and kpc verify", ["diff", "rules.nft", "wrong.nft", "--time", "0.01"]],
  [
    "Comparison",
    "kpc diff and kpc verify",
    ["diff", "rules.nft", "wrong.nft", "--except", "except.yaml", "--family", "ipv4"],
  ],
  ["Verification", "kpc diff and kpc verify", ["verify", ...SHOP, "--against", "host.v4", "--family", "ipv4"]],
];

/** Names of members at any depth; those of `program` are the IR's, and those of `left` and `right` are what happens. */
function membersOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(membersOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    ["program", "left", "right"].includes(name) ? [name] : [name, ...membersOf(inner)],
  );
}

describe.each(OUTPUTS)("%s: kpc %s %j", (kind, section, args) => {
  test("has members that docs/json.md describes", () => {
    const { stdout }: CliResult = inFolder(FILES, (folder) => kpc([...args, "-q", "-o", "json"], { folder }));
    const output = JSON.parse(stdout) as object;
    expect(output).toMatchObject({ apiVersion: "kpc.dev/v1alpha1", kind });
    expect(Object.keys(output).slice(0, 2)).toEqual(["apiVersion", "kind"]);
    const described = `${BEGINNING} ${SECTIONS.get("Diagnostics")} ${SECTIONS.get(section)}`;
    const names = new Set(
      [...described.matchAll(/`([\w.[\]]+)`/g)].map(([, name = ""]) => name.split(/[.\]]+/).at(-1)),
    );
    expect([...new Set(membersOf(output))].filter((name) => !names.has(name))).toEqual([]);
  });
});
