/** UDP frontends whose connections are to be looked at: those of Services that have come, gone, or have other endpoints. */
import type { NodeUpdate } from "../../compiler/updates/node-tables.ts";
import { changedFrontends, type UdpFrontend, udpFrontendsOf } from "../table/stale-connections.ts";

export class ChangedConnections {
  private readonly frontends = new Map<string, UdpFrontend>();

  note({ udp }: Pick<NodeUpdate, "udp">): void {
    const [before, after] = [udp.before.flatMap(udpFrontendsOf), udp.after.flatMap(udpFrontendsOf)];
    for (const frontend of changedFrontends(before, after)) this.frontends.set(keyOf(frontend), frontend);
  }

  get isEmpty(): boolean {
    return this.frontends.size === 0;
  }

  /** Gives all of them, which are none afterwards. */
  take(): UdpFrontend[] {
    const all = [...this.frontends.values()];
    this.frontends.clear();
    return all;
  }

  /** Puts back what was taken in vain, where nothing newer is known. */
  putBack(taken: readonly UdpFrontend[]): void {
    for (const frontend of taken)
      if (!this.frontends.has(keyOf(frontend))) this.frontends.set(keyOf(frontend), frontend);
  }
}

function keyOf({ family, address, port }: UdpFrontend): string {
  return `${family} ${address} ${port}`;
}
