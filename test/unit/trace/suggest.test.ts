import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";
import { ROOT } from "../../support/pages.ts";
import { some } from "../../support/runs.ts";

const CLUSTER = [`${ROOT}examples/shop/manifests`, "-c", `${ROOT}examples/shop/kpc.yaml`, "--node", "node-1"];

function complaint(packet: string, ...inputs: string[]): string {
  const { code, stderr } = kpc(["trace", packet, ...inputs]);
  expect(code).toBe(2);
  return /error: (.*)$/m.exec(stderr)?.[1] ?? stderr;
}

describe("the object that a packet's end may mean", () => {
  const ends = [
    ["pod/shop/wbe-1:80", "pod/shop/wbe-1 is not in the input, did you mean pod/shop/web-1? [unknown-object]"],
    ["pod/api-1:80", "expected pod/NAMESPACE/NAME, did you mean pod/shop/api-1? [packet-syntax]"],
    ["pods/shop/api-1:80", "did you mean pod/shop/api-1? [packet-syntax]"],
    ["service/shop/api:http", "did you mean svc/shop/api? [packet-syntax]"],
    ["svc/api:http", "expected svc/NAMESPACE/NAME, did you mean svc/shop/api? [packet-syntax]"],
    ["shop/api:http", "did you mean svc/shop/api? [packet-syntax]"],
    ["api:80", "did you mean svc/shop/api? [packet-syntax]"],
    ["api.shop:80", "did you mean svc/shop/api? [packet-syntax]"],
    ["api.shop.svc.cluster.local:80", "did you mean svc/shop/api? [packet-syntax]"],
    ["no/node-1:80", "did you mean node/node-1? [packet-syntax]"],
    ["node/kube/node-1:80", "expected node/NAME, did you mean node/node-1? [packet-syntax]"],
    ["svc/default/api:80", "svc/default/api is not in the input, did you mean svc/shop/api? [unknown-object]"],
    ["example.com:80", "svc/NAMESPACE/NAME or node/NAME [packet-syntax]"],
    ["svc/shop/nothing-like-it:80", "svc/shop/nothing-like-it is not in the input [unknown-object]"],
  ] as const;
  test.each(some(ends, 5))("%s", (end, wanted) => {
    expect(complaint(`tcp pod/shop/web-1 > ${end}`, ...CLUSTER)).toContain(wanted);
  });
});

test.each([
  ["pod/shop/wbe-1", "pod/shop/wbe-1 is not in the input, did you mean pod/shop/web-1? [unknown-object]"],
  ["pods/shop/wbe-1", "pods/shop/wbe-1 is not in the input, did you mean pod/shop/web-1? [unknown-object]"],
])("the same for the sender of a packet through the cluster: %s", (sender, wanted) => {
  expect(complaint(`tcp ${sender} > svc/shop/api:http`, ...CLUSTER.slice(0, 3))).toBe(wanted);
});

test("an input without objects of the kind, or without manifests, is said", () => {
  expect(complaint("tcp pod/shop/web-1 > 10.96.0.20:80", `${ROOT}examples/shop/manifests/services.yaml`)).toContain(
    "pod/shop/web-1 is not in the input, which has no Pods [unknown-object]",
  );
  const rules = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n";
  inFolder({ rules }, (folder) => {
    const { stderr } = kpc(["trace", "tcp 10.0.0.1 > svc/shop/api:80", "--rules", "rules"], { folder });
    expect(stderr).toContain(
      "error: svc/shop/api is not in the input: names need manifests, such as those of kubectl get",
    );
  });
});
