/** The library at work, beside the command line: both say the same. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  compare,
  compile,
  compileAll,
  evaluate,
  print,
  printBytes,
  type Rules,
  readRules,
  trace,
  verify,
} from "../../../compiler/index.ts";
import { exampleManifests } from "../../support/examples.ts";

const SETTINGS = {
  name: "kpc.yaml",
  text: readFileSync(new URL("../../../examples/shop/kpc.yaml", import.meta.url), "utf8"),
};
const PACKET = "tcp pod/shop/web-1 > svc/shop/api:http";

function compiled(mode?: "iptables"): Rules {
  const settings = {
    nodeName: "node-1",
    clusterCIDR: ["10.244.0.0/16", "fd00:10:244::/56"],
    serviceCIDRs: ["10.96.0.0/16"],
    ...(mode && { mode }),
  };
  const { rules, diagnostics } = compile(exampleManifests(), { settings });
  if (rules === undefined) throw new Error(JSON.stringify(diagnostics));
  return rules;
}

describe("compile", () => {
  test("takes settings as an object or as the text of a file", () => {
    expect(compiled()).toEqual({ from: "manifests", node: "node-1", mode: "nftables" });
    const { nodes, diagnostics } = compileAll(exampleManifests(), { settings: SETTINGS });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    expect([...(nodes ?? [])].map(({ node }) => node)).toEqual(["node-1", "node-2"]);
  });

  test("says what is wrong with the manifests as plain data", () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 70000\n";
    const { rules, diagnostics } = compile([{ name: "a.yaml", text }]);
    expect(rules).toBeUndefined();
    expect(diagnostics.find(({ severity }) => severity === "error")).toMatchObject({
      file: "a.yaml",
      line: 6,
      column: 11,
    });
    expect(structuredClone(diagnostics)).toEqual(diagnostics);
  });

  test("says what is wrong with settings by the rules of files", () => {
    const { rules, diagnostics } = compile(exampleManifests(), { settings: { clusterCIDR: "10.244.0.0/99" } });
    expect(rules).toBeUndefined();
    expect(diagnostics.find(({ severity }) => severity === "error")).toMatchObject({ file: "settings", line: 4 });
  });
});

describe("what is printed", () => {
  test.each(["nft", "iptables", "ip6tables"] as const)("%s is read back and does the same", async (format) => {
    const rules = compiled("iptables");
    const { text = "", diagnostics } = print(rules, format);
    expect(diagnostics).toEqual([]);
    const read = await readRules([{ name: `rules.${format}`, text }], { names: rules });
    expect(read.diagnostics).toEqual([]);
    const again = read.rules as Rules;
    expect(again).toMatchObject({ from: "rules", node: "node-1", mode: undefined });
    const family = format === "ip6tables" ? "IPv6" : "IPv4";
    expect(compare(rules, again, { family })).toMatchObject({ verdict: "equal", differing: 0, notCompared: [] });
  });

  test("the IR is read back", async () => {
    const { text = "" } = print(compiled(), "ir");
    const { rules } = await readRules([{ name: "rules.ir", text }]);
    expect(JSON.parse(print(rules as Rules, "ir").text ?? "")).toEqual(JSON.parse(text));
  });

  test("tables and modules are WebAssembly's", async () => {
    const tables = await printBytes(compiled(), "tables");
    const wasm = await printBytes(compiled(), "wasm", "test");
    expect(tables).toMatchObject({ diagnostics: [], bytes: expect.any(Uint8Array) });
    expect(() => new WebAssembly.Module(wasm.bytes as Uint8Array<ArrayBuffer>)).not.toThrow();
  });
});

describe("a packet", () => {
  test("is followed", () => {
    const { result, text, diagnostics } = trace(compiled(), PACKET);
    expect(diagnostics).toEqual([]);
    expect(result?.outcomes.map(({ verdict, endpoints }) => [verdict, endpoints.map(({ pod }) => pod)])).toEqual([
      ["dnat", ["shop/api-1", "shop/api-2"]],
    ]);
    expect(result?.outcomes[0]?.steps[0]).toMatchObject({
      hook: "prerouting",
      file: expect.any(String),
      line: expect.any(Number),
    });
    expect(text).toContain("=> delivered to one of 2 endpoints\n");
    const { text: _, ...evaluated } = trace(compiled(), PACKET);
    expect(evaluate(compiled(), PACKET)).toEqual(evaluated);
  });

  test("that names nothing is a finding with its place", () => {
    const { result, diagnostics } = evaluate(compiled(), "tcp pod/shop/web-9 > 10.96.0.20:80");
    expect(result).toBeUndefined();
    expect(diagnostics[0]).toMatchObject({ code: "unknown-object", file: "packet", line: 1, column: 5 });
  });

  test("through rules that were not all read rests on that", async () => {
    const text = "table ip t { chain c { type filter hook prerouting priority 0; blurb drop\n accept } }";
    const { rules, diagnostics } = await readRules([{ name: "host.nft", text }]);
    expect(diagnostics[0]).toMatchObject({ code: "rules-syntax", file: "host.nft", line: 1 });
    const { result } = evaluate(rules as Rules, "tcp 192.0.2.1:4000 > 192.0.2.2:80 iif eth0");
    expect(result?.outcomes.some(({ assumptions }) => assumptions.length > 0)).toBe(true);
    expect(compare(rules as Rules, compiled(), { budget: 300 }).verdict).not.toBe("equal");
    expect(compare(rules as Rules, rules as Rules, { family: "IPv4" }).verdict).toBe("no difference found");
  });
});

describe("compare", () => {
  test("tells the modes apart", () => {
    const { verdict, differing, text, data } = compare(compiled(), compiled("iptables"), { family: "IPv4" });
    expect(verdict).toBe("different");
    expect(differing).toBeGreaterThan(0);
    expect(text).toContain("=> different");
    expect(data).toMatchObject({ equal: false, differing });
  });

  test("claims nothing where its budget ends", () => {
    const { verdict, notCompared } = compare(compiled(), compiled("iptables"), { budget: 1 });
    expect(verdict).toBe("no difference found");
    expect(notCompared.length).toBeGreaterThan(0);
  });
});

describe("verify", () => {
  const settings = {
    nodeName: "node-1",
    clusterCIDR: ["10.244.0.0/16", "fd00:10:244::/56"],
    serviceCIDRs: ["10.96.0.0/16"],
  };

  test("finds kpc's own rules right, and a changed endpoint wrong", async () => {
    const { text = "" } = print(compiled(), "nft");
    const right = await verify(exampleManifests(), [{ name: "host.nft", text }], { settings });
    expect(right.result).toMatchObject({ verdict: "equal" });
    const damaged = text.replaceAll("10.244.1.20 . 8081", "10.244.1.99 . 8081");
    expect(damaged).not.toBe(text);
    const wrong = await verify(exampleManifests(), [{ name: "host.nft", text: damaged }], { settings });
    expect(wrong.result).toMatchObject({ verdict: "different" });
    expect(wrong.result?.text).toContain("shop/api:http");
  });

  test("says why it cannot answer", async () => {
    const text = "table ip t { chain c { type filter hook prerouting priority 0; } }";
    const { refusal, result } = await verify(exampleManifests(), [{ name: "host.nft", text }]);
    expect(result).toBeUndefined();
    expect(refusal).toContain("no rules about Services in host.nft");
  });
});
