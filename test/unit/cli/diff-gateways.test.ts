/** `kpc diff --ingress` claims nothing about rules of Gateways, which it does not compare. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const INGRESS = readFileSync(new URL("../../../examples/shop/manifests/ingress.yaml", import.meta.url), "utf8");

const gateway = (path: string): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec: {gatewayClassName: a, listeners: [{name: a, port: 8080, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: gw}], rules: [{matches: [{path: {value: ${path}}}]}]}
`;

const FILES = {
  "a.yaml": `${gateway("/a")}---\n${INGRESS}`,
  "moved.yaml": `# one line more\n${gateway("/a")}---\n${INGRESS}`,
  "b.yaml": `${gateway("/b")}---\n${INGRESS}`,
  "none.yaml": INGRESS,
  "alone.yaml": gateway("/a"),
};

test.each([
  ["a.yaml", "moved.yaml", 0, "equal: all hosts and paths"],
  ["a.yaml", "b.yaml", 1, "not compared: the rules of Gateways (port 8080)"],
  ["a.yaml", "none.yaml", 1, "not compared: the rules of Gateways (port 8080)"],
  ["alone.yaml", "alone.yaml", 2, "rules of Gateways are not compared"],
])("%s and %s", (left, right, code, said) => {
  const {
    code: ended,
    stdout,
    stderr,
  } = inFolder(FILES, (folder) => kpc(["diff", "--ingress", left, right], { folder }));
  expect([ended, stdout + stderr]).toEqual([code, expect.stringContaining(said)]);
  if (code !== 0) expect(stdout).not.toContain("equal:");
});
