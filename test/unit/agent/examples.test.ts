/** examples/agent/ against the agent. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { addAgentCommand } from "../../../compiler/cli/agent-options.ts";
import { ENDPOINT_SLICES, oneNode, SERVICE_CIDRS, SERVICES } from "../../../runtime/api/kinds.ts";

const FOLDER = new URL("../../../examples/agent/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

test("the role allows what the agent watches, and to make events, and no more", () => {
  const role = parseAllDocuments(read("rbac.yaml"))
    .map((document) => document.toJS() as { readonly kind: string; readonly rules?: readonly PolicyRule[] })
    .find(({ kind }) => kind === "ClusterRole");
  const allowed = role?.rules?.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  );
  const wanted = [SERVICES, ENDPOINT_SLICES, SERVICE_CIDRS, oneNode("n")].flatMap(({ path }) => {
    const [, group = "", resource = ""] = /^\/(?:api|apis\/([^/]+))\/[^/]+\/([^/]+)$/.exec(path) ?? [];
    return ["list", "watch"].map((verb) => `${verb} ${group}/${resource}`);
  });
  expect(allowed?.sort()).toEqual([...wanted, "create events.k8s.io/events"].sort());
});

interface Container {
  readonly args: readonly string[];
}

test.each(["initContainers", "containers"] as const)(
  "the %s of the DaemonSet have options that the agent has",
  (list) => {
    const { spec } = parse(read("daemonset.yaml")) as {
      readonly spec: { readonly template: { readonly spec: Readonly<Record<typeof list, readonly Container[]>> } };
    };
    const [name, ...flags] = spec.template.spec[list][0]?.args ?? [];
    const program = new Command();
    addAgentCommand(program, () => Promise.resolve());
    const command = program.commands.find((each) => each.name() === name);
    const known = command?.options.map(({ long }) => long);
    expect(flags.length).toBeGreaterThan(0);
    for (const flag of flags) expect(known).toContain(flag.split("=")[0]);
  },
);
