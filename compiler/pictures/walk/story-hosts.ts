/** The hosts of a walk as pictures name them. */
import { type Family, familyOf, printAddress } from "../../net/address.ts";
import type { Host, HostInterface } from "../../network/network.ts";
import type { StoryHost } from "./story.ts";

/** `names`: hosts that the picture shows; two that would have the same title get more of their names. */
export function storyHosts(
  names: readonly string[],
  hosts: ReadonlyMap<string, Host>,
  family: Family,
): ReadonlyMap<string, StoryHost> {
  const shown = [...new Set(names)].flatMap((name) => hosts.get(name) ?? []);
  const titles = shown.map(({ name }) => lastPart(name));
  return new Map(
    shown.map((host, i) => {
      const title = titles[i] ?? host.name;
      const isOneOfSeveral = titles.filter((each) => each === title).length > 1;
      return [host.name, storyHost(host, isOneOfSeveral ? wholePart(host.name) : title, family)];
    }),
  );
}

/** `web-1` of `pod/shop/web-1`. */
function lastPart(name: string): string {
  return name.startsWith("lb/") ? "load balancer" : (name.split("/").at(-1) ?? name);
}

/** `shop/web-1` of `pod/shop/web-1`, `outside/client` as it is. */
function wholePart(name: string): string {
  return name.startsWith("outside/") ? name : name.replace(/^[^/]*\//, "");
}

function storyHost(host: Host, title: string, family: Family): StoryHost {
  const { name, role, interfaces } = host;
  const own = interfaces.filter(({ kind }) => kind !== "loopback" && kind !== "bridge");
  const address = own.map((each) => addressIn(each, family)).find((text) => text !== undefined) ?? "";
  const base = { name, title, kind: role.kind, address };
  switch (role.kind) {
    case "pod":
      return { ...base, node: `node/${role.node}` };
    case "node": {
      const bridge = interfaces.find(({ kind }) => kind === "bridge");
      const uplink = own.find((each) => each.port === undefined && addressIn(each, family) !== undefined);
      return {
        ...base,
        ...(bridge === undefined
          ? {}
          : { bridge: { name: bridge.name, address: addressIn(bridge, family, true) ?? "" } }),
        ...(uplink === undefined ? {} : { uplink: `${uplink.name} ${address}` }),
      };
    }
    case "gateway": {
      const inside = own.find((each) => addressIn(each, family) !== undefined);
      return { ...base, ...(inside === undefined ? {} : { uplink: `${inside.name} ${address}` }) };
    }
    default:
      // Hosts that are no part of the cluster have an address alone.
      return base;
  }
}

function addressIn({ addresses }: HostInterface, family: Family, hasLength = false): string | undefined {
  const found = addresses.find((each) => each.scope === "global" && familyOf(each.address) === family);
  return found && `${printAddress(found.address)}${hasLength ? `/${found.length}` : ""}`;
}
