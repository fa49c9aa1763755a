/** The objects of the cluster as they are now, one text each. */
import { unreachable } from "../invariant.ts";
import { compareKeys, type RuleKind, type WatchedObject } from "./watched-object.ts";

/** What of an object's Services has to be made anew: these Services, or everything, because the settings of the node may be others. */
export type Touched = readonly string[] | "settings";

export class ObjectTexts {
  private readonly services = new Map<string, string>();
  private readonly slices = new Map<string, { readonly text: string; readonly service: string | undefined }>();
  /** Keys of slices, by the Service that they name, whether there is such a Service or not yet. Most have one. */
  private readonly slicesOf = new Map<string, string | Set<string>>();
  private readonly ofNode = new Map<string, string>();

  /** An object that is new, has changed, or is told again. */
  put({ kind, key, text, service }: WatchedObject): Touched {
    switch (kind) {
      case "Service":
        if (this.services.get(key) === text) return [];
        this.services.set(key, text);
        return [key];
      case "EndpointSlice": {
        const old = this.slices.get(key);
        if (old?.text === text) return [];
        if (old?.service !== service) {
          if (old?.service !== undefined) this.leave(key, old.service);
          if (service !== undefined) this.enter(key, service);
        }
        this.slices.set(key, { text, service });
        return [old?.service, service].filter(
          (each, i, all) => each !== undefined && all.indexOf(each) === i,
        ) as string[];
      }
      case "Node":
      case "ServiceCIDR": {
        if (this.ofNode.get(`${kind} ${key}`) === text) return [];
        this.ofNode.set(`${kind} ${key}`, text);
        return "settings";
      }
      default:
        return unreachable(kind);
    }
  }

  /** An object that is gone. */
  delete(kind: RuleKind, key: string): Touched {
    switch (kind) {
      case "Service":
        return this.services.delete(key) ? [key] : [];
      case "EndpointSlice": {
        const old = this.slices.get(key);
        this.slices.delete(key);
        if (old?.service === undefined) return [];
        this.leave(key, old.service);
        return [old.service];
      }
      case "Node":
      case "ServiceCIDR":
        return this.ofNode.delete(`${kind} ${key}`) ? "settings" : [];
      default:
        return unreachable(kind);
    }
  }

  /** The texts of a Service and of its slices; undefined: there is no such Service. */
  textsOf(service: string): readonly string[] | undefined {
    const text = this.services.get(service);
    if (text === undefined) return undefined;
    const found = this.slicesOf.get(service) ?? [];
    const slices = typeof found === "string" ? [found] : [...found].sort(compareKeys);
    return [text, ...slices.flatMap((key) => this.slices.get(key)?.text ?? [])];
  }

  /** The texts of all objects that settings of the node are taken from. */
  settingTexts(): readonly string[] {
    return [...this.ofNode.keys()].sort().flatMap((key) => this.ofNode.get(key) ?? []);
  }

  /** `slice` is not among those of `service` yet. */
  private enter(slice: string, service: string): void {
    const found = this.slicesOf.get(service);
    if (found === undefined) this.slicesOf.set(service, slice);
    else if (typeof found === "string") this.slicesOf.set(service, new Set([found, slice]));
    else found.add(slice);
  }

  /** `slice` is one of those of `service`. */
  private leave(slice: string, service: string): void {
    const found = this.slicesOf.get(service);
    if (typeof found === "object" && found.size > 1) found.delete(slice);
    else this.slicesOf.delete(service);
  }
}
