/** examples/broken: each cluster has the fault that its README shows, at a line of its own file, and kpc check ends with 1. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kpc } from "../../support/cli.ts";
import { ROOT } from "../../support/pages.ts";
import { some } from "../../support/runs.ts";

/** The first finding about each cluster. */
const FIRST: Readonly<Record<string, string>> = {
  blackhole: "blackhole-route",
  "bridge-netfilter": "bridge-netfilter-off",
  hairpin: "hairpin-off",
  "ip-forward": "forwarding-off",
  "load-balancer": "reply-bypasses-nat",
  masquerade: "source-not-translated",
  "proxy-arp": "no-neighbour",
  "rp-filter": "reverse-path-filter",
  "stale-route": "no-neighbour",
  unreachable: "no-route",
};

const FOLDER = join(ROOT, "examples/broken");

test("all files are listed, and shown in README", () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml") && name !== "manifests.yaml");
  expect(names.map((name) => name.replace(".yaml", "")).sort()).toEqual(Object.keys(FIRST).sort());
  const page = readFileSync(join(FOLDER, "README.md"), "utf8");
  for (const name of names) expect(page).toContain(`examples/broken/${name}\n`);
});

test.each(some(Object.entries(FIRST), 4))("%s: %s", (name, code) => {
  const { stdout, code: exitCode } = kpc(["check", "-q", `${FOLDER}/manifests.yaml`, `${FOLDER}/${name}.yaml`]);
  const [first = ""] = stdout.split("\n");
  expect(first).toContain(`broken/${name}.yaml:`);
  expect(first).toContain(`[${code}]`);
  expect(stdout).toContain("fix on ");
  expect(exitCode).toBe(1);
});
