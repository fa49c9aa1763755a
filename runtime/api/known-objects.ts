/** Which objects of a kind were told, so that a new list can be told as what it changes. */
import type { ApiObject, KindEvent } from "./events.ts";
import { ApiTrouble, members } from "./trouble.ts";

/** Names as the API takes them: labels and subdomains of DNS. Anything else comes from something that is no API server. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export class KnownObjects {
  /** Versions by key. */
  private readonly versions = new Map<string, string>();
  /** The keys of the list that is being told. */
  private listed: Set<string> | undefined;
  private readonly sink: (event: KindEvent) => void;
  private readonly onTrouble: (trouble: ApiTrouble) => void;
  private told = 0;

  constructor(sink: (event: KindEvent) => void, onTrouble: (trouble: ApiTrouble) => void) {
    this.sink = sink;
    this.onTrouble = onTrouble;
  }

  get size(): number {
    return this.versions.size;
  }

  /** Puts and deletes so far. */
  get events(): number {
    return this.told;
  }

  /** A list begins, also one after another that broke off. */
  beginList(): void {
    this.listed = new Set();
  }

  /** Everything that the list lacks is gone. */
  endList(version: string): void {
    const { listed } = this;
    this.listed = undefined;
    if (listed === undefined) return;
    for (const key of [...this.versions.keys()]) if (!listed.has(key)) this.remove(key, version);
  }

  /** An object is there. Nothing is told of a version that is known. */
  put(object: ApiObject): void {
    const found = this.identify(object);
    if (found === undefined) return;
    const { key, version } = found;
    this.listed?.add(key);
    if (this.versions.get(key) === version) return;
    this.versions.set(key, version);
    this.told++;
    this.sink({ kind: "put", key, object, resourceVersion: version });
  }

  delete(object: ApiObject): void {
    const found = this.identify(object);
    if (found === undefined) return;
    this.listed?.delete(found.key);
    this.remove(found.key, found.version);
  }

  private remove(key: string, version: string): void {
    if (!this.versions.delete(key)) return;
    this.told++;
    this.sink({ kind: "delete", key, resourceVersion: version });
  }

  private identify({ metadata }: ApiObject): { readonly key: string; readonly version: string } | undefined {
    const { name, namespace = "", resourceVersion } = members(metadata);
    const isNamed = typeof name === "string" && NAME.test(name);
    const isPlaced = typeof namespace === "string" && (namespace === "" || NAME.test(namespace));
    if (isNamed && isPlaced && typeof resourceVersion === "string" && resourceVersion !== "")
      return { key: namespace === "" ? name : `${namespace}/${name}`, version: resourceVersion };
    const shown = JSON.stringify([namespace, name, resourceVersion]);
    this.onTrouble(
      new ApiTrouble("malformed", `an object has no usable namespace, name and resourceVersion: ${shown}`),
    );
    return undefined;
  }
}
