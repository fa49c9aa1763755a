import { expect, test } from "vitest";
import { removalOf } from "../../../runtime/agent/clean-up.ts";

test("kube-proxy's chains go with the jumps to them, and nothing else", () => {
  const save = `# Generated
*nat
:PREROUTING ACCEPT [1:2]
:OURS - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-X - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j OURS
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-X
COMMIT
*filter
:INPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
COMMIT
`;
  expect(removalOf(save, "KUBE-")).toBe(`*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-X - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-X KUBE-SERVICES
-X KUBE-SVC-X
COMMIT
`);
});

test("a host without kube-proxy's chains is left alone", () => {
  expect(
    removalOf("*nat\n:PREROUTING ACCEPT [0:0]\n:OURS - [0:0]\n-A PREROUTING -j OURS\nCOMMIT\n", "KUBE-"),
  ).toBeUndefined();
});
