/** The processes by which an agent asks and changes the kernel. */
import type { Table } from "../../compiler/ir/types.ts";
import type { Clock } from "../api/clock.ts";
import { readLiveRules } from "../table/live-tables.ts";
import { Netfilter, type NetlinkPort } from "../table/netfilter.ts";
import { TableWriter } from "../table/writer.ts";

/** The kernel's list of the Unix sockets of this network namespace. */
export const SOCKETS = "/proc/net/unix";

/** What asks netfilter, as a process of its own does. */
export type NetfilterHelper = Pick<Netfilter, keyof Netfilter>;

/** The processes by which the kernel is asked and changed. */
export interface KernelProcesses {
  readonly startHelper: () => NetfilterHelper;
  readonly writer: Pick<TableWriter, "transact" | "rest" | "close" | "pid">;
  /** Lists by nft what there is without elements, where it cannot be told otherwise. */
  readonly readRules: (netfilter: NetlinkPort) => Promise<Table[]>;
  /** Calls `then` after so long, unless this process has ended by then. What it returns calls that off. */
  readonly after: Clock["after"];
}

/** Those of this network namespace, or of that in which `wrapper` runs commands. */
export function processesOf(wrapper: readonly string[]): KernelProcesses {
  return {
    startHelper: () => new Netfilter(wrapper),
    writer: new TableWriter({ wrapper }),
    readRules: (netfilter) => readLiveRules(netfilter, wrapper),
    after: (milliseconds, then) => {
      const timer = setTimeout(then, milliseconds).unref();
      return () => clearTimeout(timer);
    },
  };
}
