/** What differs between two matrices, in each format. */
import { expect, test } from "vitest";
import { matrixChanges } from "../../../compiler/matrix/changes.ts";
import { changesToCsv, matrixToCsv } from "../../../compiler/matrix/csv.ts";
import { matrixOf } from "../../../compiler/matrix/matrix.ts";
import { renderChanges } from "../../../compiler/matrix/text.ts";
import type { Matrix } from "../../../compiler/matrix/types.ts";
import { describeShop, SHOP } from "../../support/walks.ts";

const matrixFor = (objects = SHOP, sysctls = {}): Matrix =>
  matrixOf(describeShop({ pods: "bridge", sysctls }, objects));
const SHOP_MATRIX = matrixFor();
const textOf = (after: Matrix): string =>
  renderChanges(matrixChanges(SHOP_MATRIX, after), after.sources, { isVerbose: true });

test("equal inputs have no differences", () => {
  expect(textOf(matrixFor())).toBe("No differences.\n");
});

test("a pod that is gone is no endpoint and no client any more", () => {
  const after = matrixFor(SHOP.filter(({ metadata }) => (metadata as { name: string }).name !== "web-2"));
  const text = textOf(after);
  expect(text).toContain(`shop/web, cluster IP 10.96.0.30:80/tcp
  from pod/shop/api, pod/shop/client
    - delivered to pod/shop/web-1:8080, pod/shop/web-2:8080, seen as client, answered
    + delivered to pod/shop/web-1:8080, seen as client, answered`);
  expect(text).toContain(`shop/api, cluster IP 10.96.0.20:80/tcp
  from pod/shop/web-2
    - delivered to pod/shop/api:8081, seen as client, answered
    + not there`);
  const lines = changesToCsv(matrixChanges(SHOP_MATRIX, after)).trimEnd().split("\r\n");
  expect(lines).toContain(
    "pod/shop/web-2,n2,shop/api,cluster-ip,,10.96.0.20:80/tcp,answered,pod/shop/api:8081,client,answered,absent,,,",
  );
});

test("a bridge that hides packets from rules loses answers of endpoints beside the client", () => {
  const off = { n2: { "net.bridge.bridge-nf-call-iptables": "0" } };
  expect(textOf(matrixFor(SHOP, off))).toContain(`shop/api, cluster IP 10.96.0.20:80/tcp
  from pod/shop/web-2
    - delivered to pod/shop/api:8081, seen as client, answered
    + delivered to pod/shop/api:8081, seen as client, reply: stranger at client`);
});

test("a table has a line for each client and address", () => {
  const lines = matrixToCsv(SHOP_MATRIX).trimEnd().split("\r\n");
  const pairs = SHOP_MATRIX.rows.flatMap(({ cells }) => cells.flatMap(({ sources }) => sources));
  expect(lines).toHaveLength(1 + pairs.length);
  expect(lines[0]).toBe("from,node,service,entry,entry_node,to,result,endpoints,seen_as,reply");
  expect(lines).toContain(
    "pod/shop/client,n1,shop/web,cluster-ip,,10.96.0.30:80/tcp,answered,pod/shop/web-1:8080 pod/shop/web-2:8080,client,answered",
  );
});
