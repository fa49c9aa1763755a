import { expect, test } from "vitest";
import type { ConntrackSettings } from "../../../compiler/node/agent-settings.ts";
import { setSysctls, wantedSysctls } from "../../../runtime/agent/sysctls.ts";

const NOTHING: ConntrackSettings = {
  maxPerCore: 0,
  min: 0,
  tcpEstablishedSeconds: 0,
  tcpCloseWaitSeconds: 0,
  udpSeconds: 0,
  udpStreamSeconds: 0,
  tcpBeLiberal: false,
};

const PREFIX = "net/netfilter/nf_conntrack_";

test.each<[settings: Partial<ConntrackSettings>, processors: number, wanted: Readonly<Record<string, number>>]>([
  [{}, 4, {}],
  [{ min: 1000 }, 4, {}],
  [{ maxPerCore: 32_768, min: 131_072 }, 2, { max: 131_072 }],
  [{ maxPerCore: 32_768, min: 131_072 }, 8, { max: 262_144 }],
  [{ maxPerCore: 32_768, min: 131_072 }, 64, { max: 1_048_576 }],
  [{ maxPerCore: 1, min: 2_000_000 }, 1, { max: 2_000_000 }],
  [
    { tcpEstablishedSeconds: 86_400, tcpCloseWaitSeconds: 3600 },
    1,
    { tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3600 },
  ],
  [{ udpSeconds: 10, udpStreamSeconds: 60 }, 1, { udp_timeout: 10, udp_timeout_stream: 60 }],
  [{ tcpBeLiberal: true }, 1, { tcp_be_liberal: 1 }],
])("%j on %d processors", (settings, processors, wanted) => {
  const found = wantedSysctls({ ...NOTHING, ...settings }, { processors }, false);
  const inNet = found.filter(({ file }) => file.startsWith(PREFIX));
  expect(Object.fromEntries(inNet.map(({ file, value }) => [file.slice(PREFIX.length), value]))).toEqual(wanted);
  // A bucket for four connections.
  const { max } = wanted;
  expect(found.filter((each) => !inNet.includes(each)).map(({ value }) => value)).toEqual(
    max === undefined ? [] : [max / 4],
  );
});

test("node ports on 127.0.0.1 need packets from there to be routed", () => {
  expect(wantedSysctls(undefined, { processors: 1 }, false)).toEqual([]);
  expect(wantedSysctls(undefined, { processors: 1 }, true)).toEqual([
    { file: "net/ipv4/conf/all/route_localnet", value: 1, isLeast: false },
  ]);
});

test("what differs is set; a maximum is never made smaller; what cannot be set is told", () => {
  const files = new Map([
    ["/proc/sys/net/netfilter/nf_conntrack_max", "262144\n"],
    ["/sys/module/nf_conntrack/parameters/hashsize", "1000\n"],
    ["/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "432000\n"],
    ["/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait", "3600\n"],
    ["/proc/sys/net/ipv4/conf/all/route_localnet", "0\n"],
  ]);
  const host = {
    processors: 2,
    read: (path: string): string => {
      const text = files.get(path);
      if (text === undefined) throw new Error(`ENOENT: ${path}`);
      return text;
    },
    write: (path: string, text: string): void => {
      if (path.endsWith("route_localnet")) throw new Error("EROFS: read-only file system");
      files.set(path, text);
    },
  };
  const settings = {
    ...NOTHING,
    maxPerCore: 32_768,
    min: 131_072,
    tcpEstablishedSeconds: 86_400,
    tcpCloseWaitSeconds: 3600,
    udpSeconds: 10,
  };
  expect(setSysctls(wantedSysctls(settings, host, true), host)).toEqual({
    changed: [
      "/sys/module/nf_conntrack/parameters/hashsize = 32768 (was 1000)",
      "net.netfilter.nf_conntrack_tcp_timeout_established = 86400 (was 432000)",
    ],
    failed: [
      "net.ipv4.conf.all.route_localnet is 0, and cannot be set to 1: EROFS: read-only file system",
      "net.netfilter.nf_conntrack_udp_timeout cannot be read, and cannot be set to 10: ENOENT: /proc/sys/net/netfilter/nf_conntrack_udp_timeout",
    ],
  });
  expect(files.get("/proc/sys/net/netfilter/nf_conntrack_max")).toBe("262144\n");
});
