import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { KUBE_VERSION } from "../../support/kube/binaries.ts";

test("the version of Kubernetes that tests look for is the one that is built, with the same one of each of its modules", () => {
  const text = readFileSync(new URL("../../support/kube/go.mod", import.meta.url), "utf8");
  expect(text).toMatch(new RegExp(`^\tk8s\\.io/kubernetes v${KUBE_VERSION}`, "m"));
  const staging = [...text.matchAll(/^\tk8s\.io\/\S+ => k8s\.io\/\S+ v0\.(\S+)$/gm)].map(([, version]) => version);
  expect(new Set(staging)).toEqual(new Set([KUBE_VERSION.replace(/^1\./, "")]));
});
