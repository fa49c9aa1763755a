/** Who reaches which Service of a small cluster. */
import { describe, expect, test } from "vitest";
import { matrixOf } from "../../../compiler/matrix/matrix.ts";
import { renderMatrix } from "../../../compiler/matrix/text.ts";
import { describeShop } from "../../support/walks.ts";

const blocksOf = (text: string): ReadonlyMap<string, string[]> =>
  new Map(
    text
      .trimEnd()
      .split("\n\n")
      .map((block) => block.split("\n"))
      .map(([head = "", ...lines]) => [head, lines.map((line) => line.trim())]),
  );

describe("the matrix of two nodes with a bridge each", () => {
  const matrix = matrixOf(describeShop({ pods: "bridge", balancer: "proxy" }));
  const blocks = blocksOf(renderMatrix(matrix, { isVerbose: false }));

  test("an endpoint that reaches itself sees the bridge of its node", () => {
    expect(blocks.get("shop/web, cluster IP 10.96.0.30:80/tcp")).toEqual([
      "from pod/shop/api, pod/shop/client",
      "delivered to pod/shop/web-1:8080, pod/shop/web-2:8080, seen as client, answered",
      "from pod/shop/web-1",
      "50 % delivered to itself:8080, seen as node/n1 10.244.1.1, answered",
      "50 % delivered to pod/shop/web-2:8080, seen as client, answered",
      "from pod/shop/web-2",
      "50 % delivered to itself:8080, seen as node/n2 10.244.2.1, answered",
      "50 % delivered to pod/shop/web-1:8080, seen as client, answered",
      "from node/n1",
      "50 % delivered to pod/shop/web-1:8080, seen as client 10.244.1.1, answered",
      "50 % delivered to pod/shop/web-2:8080, seen as client, answered",
      "from node/n2",
      "50 % delivered to pod/shop/web-1:8080, seen as client, answered",
      "50 % delivered to pod/shop/web-2:8080, seen as client 10.244.2.1, answered",
    ]);
  });

  test("a Service without endpoints refuses everybody", () => {
    expect(blocks.get("shop/none, cluster IP 10.96.0.31:80/tcp")).toEqual([
      "from all 2 pods of n2",
      "rejected in forward at node/n2",
      "from all 2 pods of n1",
      "rejected in forward at node/n1",
      "from node/n1, node/n2",
      "rejected in output at itself",
    ]);
  });

  test("hosts outside come by node ports, load balancers and forwarded ports", () => {
    const outside = matrix.rows.filter(({ target }) => target.entry !== "cluster-ip").map(({ target }) => target);
    expect(new Set(outside.map(({ entry }) => entry))).toEqual(
      new Set(["node-port", "load-balancer", "gateway-forward"]),
    );
    expect(outside.find(({ entry }) => entry === "gateway-forward")?.service).toBe("shop/web");
  });
});
