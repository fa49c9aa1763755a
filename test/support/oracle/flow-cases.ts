import { parse } from "yaml";
import { readCases } from "../shared.ts";
import type { OracleMode } from "./node.ts";
import type { OraclePacket, OraclePrediction, ProxySettings } from "./oracle.ts";

/** One world of the shared packet-flow cases, with the packets sent in it. */
export interface FlowCase {
  readonly name: string;
  readonly modes: readonly OracleMode[];
  readonly proxy: ProxySettings;
  readonly objects: readonly unknown[];
  readonly flows: readonly { readonly name: string; readonly packet: OraclePacket; readonly want: OraclePrediction }[];
}

interface FlowCaseFile extends Omit<FlowCase, "flows"> {
  readonly flows: readonly {
    readonly name: string;
    readonly protocol: OraclePacket["protocol"];
    readonly origin: "pod" | "node" | "loopback" | "external";
    readonly from: string;
    readonly to: string;
    readonly port: number;
    readonly inInterface?: string;
    readonly expect: {
      readonly verdict: OraclePrediction["verdict"];
      readonly endpoints?: readonly string[];
      readonly masquerade?: boolean;
      readonly masqueradeEndpoints?: readonly string[];
      readonly sticky?: { readonly timeoutSeconds: number };
    };
  }[];
}

/** All flow cases. */
export function readFlowCases(): FlowCase[] {
  return readCases("flow").map(({ text }) => readFlowCase(parse(text) as FlowCaseFile));
}

function readFlowCase(file: FlowCaseFile): FlowCase {
  const flows = file.flows.map(({ name, protocol, origin, from, to, port, inInterface, expect }) => {
    const isSentByNode = origin === "node" || origin === "loopback";
    const endpoints = [...(expect.endpoints ?? [])].sort();
    return {
      name,
      packet: {
        protocol,
        from,
        to,
        sourcePort: 40000,
        port,
        inInterface: isSentByNode ? undefined : (inInterface ?? "eth0"),
      },
      want: {
        verdict: expect.verdict,
        endpoints,
        masquerade: expect.masquerade ? endpoints : [...(expect.masqueradeEndpoints ?? [])].sort(),
        ...(expect.sticky === undefined ? {} : { stickySeconds: expect.sticky.timeoutSeconds }),
      },
    };
  });
  return { ...file, flows };
}
