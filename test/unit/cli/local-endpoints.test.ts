/** Of each frontend, `kpc list` tells which endpoints are on the node. */
import { expect, test } from "vitest";
import { localityIn } from "../../../compiler/cli/local-endpoints.ts";
import { renderServed, servedToData } from "../../../compiler/verify/services/render-served.ts";
import { servedFrontends } from "../../../compiler/verify/services/served-frontends.ts";
import { NODE_NAME } from "../../support/arbitraries.ts";
import { mustCompile } from "../../support/compile.ts";
import { webCluster } from "../../support/tables.ts";

/** A Service of policy Cluster, with an endpoint for each name of a node; undefined: nothing says where it is. */
function listOf(nodes: readonly (string | undefined)[]) {
  const cluster = webCluster(["10.244.1.7"]);
  const endpoints = nodes.map((nodeName, i) => ({ addresses: [`10.244.1.${i + 1}`], nodeName }));
  const objects = cluster.objects.map((each) => (each["kind"] === "EndpointSlice" ? { ...each, endpoints } : each));
  const { program, view, node } = mustCompile({ ...cluster, objects });
  const served = servedFrontends(program);
  const known = { pods: new Map([[0x0af4_0101 as never, "default/web-1"]]), isLocal: localityIn(view, node) };
  return { text: renderServed(served, known).join("\n"), data: served.map((each) => servedToData(each, known)) };
}

test("also without policy Local", () => {
  const { text, data } = listOf([NODE_NAME, "node-b", undefined, NODE_NAME]);
  expect(text).toMatch(
    / {2}web-1 \(10\.244\.1\.1:8080, local\), 10\.244\.1\.2:8080, 10\.244\.1\.3:8080, 10\.244\.1\.4:8080 \(local\)$/,
  );
  const endpoints = [
    { address: "10.244.1.1", port: 8080, pod: "default/web-1", local: true },
    { address: "10.244.1.2", port: 8080, local: false },
    { address: "10.244.1.3", port: 8080 },
    { address: "10.244.1.4", port: 8080, local: true },
  ];
  expect(data.map((each) => ("endpoints" in each ? each.endpoints : undefined))).toEqual([endpoints]);
});

test("local ones among those that are not shown are counted", () => {
  const elsewhere = Array.from({ length: 6 }, () => "node-b");
  expect(listOf([...elsewhere, NODE_NAME, "node-b"]).text).toMatch(/ and 2 more \(1 local\)$/);
  expect(listOf([...elsewhere, "node-b"]).text).toMatch(/ and 1 more$/);
});
