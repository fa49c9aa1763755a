/** The objects of a cluster, and whom their events concern. */
import { expect, test } from "vitest";
import { ObjectTexts } from "../../../compiler/updates/object-texts.ts";
import type { RuleKind, WatchedObject } from "../../../compiler/updates/watched-object.ts";

function object(kind: RuleKind, key: string, text: string, service?: string): WatchedObject {
  return { kind, key, text, service };
}

const slice = (key: string, text: string, service?: string): WatchedObject =>
  object("EndpointSlice", key, text, service);

test("a Service concerns itself, where it is another one than before", () => {
  const texts = new ObjectTexts();
  expect(texts.put(object("Service", "shop/web", "1"))).toEqual(["shop/web"]);
  expect(texts.put(object("Service", "shop/web", "1"))).toEqual([]);
  expect(texts.put(object("Service", "shop/web", "2"))).toEqual(["shop/web"]);
  expect(texts.textsOf("shop/web")).toEqual(["2"]);
  expect(texts.delete("Service", "shop/web")).toEqual(["shop/web"]);
  expect(texts.delete("Service", "shop/web")).toEqual([]);
  expect(texts.textsOf("shop/web")).toBeUndefined();
});

test("a slice concerns the Services that it names, before and after", () => {
  const texts = new ObjectTexts();
  texts.put(object("Service", "shop/web", "web"));
  texts.put(object("Service", "shop/api", "api"));
  expect(texts.put(slice("shop/a", "1", "shop/web"))).toEqual(["shop/web"]);
  expect(texts.put(slice("shop/a", "1", "shop/web"))).toEqual([]);
  expect(texts.put(slice("shop/a", "2", "shop/web"))).toEqual(["shop/web"]);
  expect(texts.textsOf("shop/web")).toEqual(["web", "2"]);
  expect(texts.put(slice("shop/a", "3", "shop/api"))).toEqual(["shop/web", "shop/api"]);
  expect([texts.textsOf("shop/web"), texts.textsOf("shop/api")]).toEqual([["web"], ["api", "3"]]);
  expect(texts.put(slice("shop/a", "4"))).toEqual(["shop/api"]);
  expect(texts.textsOf("shop/api")).toEqual(["api"]);
  expect(texts.put(slice("shop/a", "5"))).toEqual([]);
  expect(texts.put(slice("shop/a", "6", "shop/web"))).toEqual(["shop/web"]);
  expect(texts.delete("EndpointSlice", "shop/a")).toEqual(["shop/web"]);
  expect(texts.delete("EndpointSlice", "shop/a")).toEqual([]);
  expect(texts.textsOf("shop/web")).toEqual(["web"]);
});

test("a slice that names no Service concerns nobody", () => {
  const texts = new ObjectTexts();
  expect(texts.put(slice("shop/a", "1"))).toEqual([]);
  expect(texts.delete("EndpointSlice", "shop/a")).toEqual([]);
});

test("the slices of a Service come in the order of their names, each once, and go one by one", () => {
  const texts = new ObjectTexts();
  for (const name of ["b", "c", "a"]) texts.put(slice(`shop/${name}`, name, "shop/web"));
  texts.put(slice("shop/c", "C", "shop/web"));
  expect(texts.textsOf("shop/web")).toBeUndefined();
  texts.put(object("Service", "shop/web", "web"));
  expect(texts.textsOf("shop/web")).toEqual(["web", "a", "b", "C"]);
  texts.delete("EndpointSlice", "shop/b");
  expect(texts.textsOf("shop/web")).toEqual(["web", "a", "C"]);
  texts.delete("EndpointSlice", "shop/c");
  expect(texts.textsOf("shop/web")).toEqual(["web", "a"]);
  texts.delete("EndpointSlice", "shop/a");
  expect(texts.textsOf("shop/web")).toEqual(["web"]);
  texts.put(slice("shop/d", "d", "shop/web"));
  expect(texts.textsOf("shop/web")).toEqual(["web", "d"]);
});

test("a slice that is told again under the name of its Service is there once", () => {
  const texts = new ObjectTexts();
  texts.put(object("Service", "shop/web", "web"));
  texts.put(slice("shop/a", "1", "shop/web"));
  texts.put(slice("shop/a", "2", "shop/web"));
  expect(texts.textsOf("shop/web")).toEqual(["web", "2"]);
  texts.delete("EndpointSlice", "shop/a");
  expect(texts.textsOf("shop/web")).toEqual(["web"]);
});

test.each([1, 2, 3])(
  "a slice that goes, and comes again for another Service, is of that alone: of %s slices",
  (count) => {
    const texts = new ObjectTexts();
    for (const name of ["web", "api"]) texts.put(object("Service", `shop/${name}`, name));
    const all = ["a", "b", "c"].slice(0, count);
    for (const name of all) texts.put(slice(`shop/${name}`, name, "shop/web"));
    for (const name of all) {
      expect(texts.delete("EndpointSlice", `shop/${name}`)).toEqual(["shop/web"]);
      expect(texts.put(slice(`shop/${name}`, name, "shop/api"))).toEqual(["shop/api"]);
    }
    expect([texts.textsOf("shop/web"), texts.textsOf("shop/api")]).toEqual([["web"], ["api", ...all]]);
    // Back again, without going first.
    for (const name of all) texts.put(slice(`shop/${name}`, `${name}2`, "shop/web"));
    expect([texts.textsOf("shop/web"), texts.textsOf("shop/api")]).toEqual([
      ["web", ...all.map((name) => `${name}2`)],
      ["api"],
    ]);
  },
);

test.each(["Node", "ServiceCIDR"] as const)("a %s concerns the settings, where it is another one", (kind) => {
  const texts = new ObjectTexts();
  expect(texts.put(object(kind, "a", "1"))).toBe("settings");
  expect(texts.put(object(kind, "a", "1"))).toEqual([]);
  expect(texts.put(object(kind, "b", "1"))).toBe("settings");
  expect(texts.put(object(kind, "a", "2"))).toBe("settings");
  expect(texts.settingTexts()).toEqual(["2", "1"]);
  expect(texts.delete(kind, "c")).toEqual([]);
  expect(texts.delete(kind, "a")).toBe("settings");
  expect(texts.settingTexts()).toEqual(["1"]);
});

test("settings come in the order of kinds and names, whatever came first", () => {
  const texts = new ObjectTexts();
  texts.put(object("ServiceCIDR", "b", "cidr b"));
  texts.put(object("ServiceCIDR", "a", "cidr a"));
  texts.put(object("Node", "z", "node z"));
  expect(texts.settingTexts()).toEqual(["node z", "cidr a", "cidr b"]);
});
