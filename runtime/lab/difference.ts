/** What a host counts while a flow is made that did not go as predicted. */
import type { LabFlow } from "./run.ts";
import type { LabSession } from "./session.ts";

/** A place where prediction and lab part. */
export interface LabDifference {
  readonly host: string;
  /** Counters of lost packets and the like that rose while the flow was made once more, by how much. */
  readonly counters: ReadonlyMap<string, number>;
}

const COUNTERS = "cat /proc/net/snmp /proc/net/netstat; cat /proc/net/snmp6 2> /dev/null || true";

/** Counters that tell of trouble. */
const TELLING =
  /Err|Discard|NoRoute|Drop|Fail|Filter|Rst|Unreach|Reject|Abort|NoPorts|Truncated|NoECT|TooBig|TimeExcds|Martian/;

/** Looks at the host of the first difference; undefined: there is none. */
export async function lookInto(session: LabSession, { flow, attempts }: LabFlow): Promise<LabDifference | undefined> {
  const host = attempts.map((attempt) => hostOfDifference(attempt)).find((each) => each !== undefined);
  if (host === undefined) return undefined;
  const before = readCounters(await session.lab.run(host, COUNTERS));
  await session.attempt(flow);
  const after = readCounters(await session.lab.run(host, COUNTERS));
  const risen = [...after].flatMap(([name, value]): [string, number][] => {
    const by = value - (before.get(name) ?? 0);
    return by > 0 && TELLING.test(name) && !/Errors?NoError/.test(name) ? [[name, by]] : [];
  });
  return { host, counters: new Map(risen) };
}

function hostOfDifference({ comparison, walk }: LabFlow["attempts"][number]): string | undefined {
  if (comparison?.isEqual === true) return undefined;
  const row = comparison?.rows.find(({ isEqual }) => !isEqual);
  return row?.predicted?.host ?? row?.observed?.host ?? walk.flow.from;
}

/** Of /proc/net/snmp and netstat, where a line of names is before one of values, and of snmp6: `Ip InNoRoutes`, by value. */
export function readCounters(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const [group = "", ...words] = line.split(/\s+/);
    const [next = "", ...values] = (lines[i + 1] ?? "").split(/\s+/);
    if (group.endsWith(":") && next === group && /^-?\d/.test(values[0] ?? "") && !/^-?\d/.test(words[0] ?? "")) {
      for (const [k, word] of words.entries()) found.set(`${group.slice(0, -1)} ${word}`, Number(values[k]));
    } else if (/^(?:Ip6|Icmp6|Udp6)\w+$/.test(group)) {
      const [, family = "", name = ""] = /^(Ip6|Icmp6|Udp6)(\w+)$/.exec(group) ?? [];
      found.set(`${family} ${name}`, Number(words[0]));
    }
  }
  return found;
}
