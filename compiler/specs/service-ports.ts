import { asPort, type Port } from "../net/port.ts";
import { type Context, checkRequired, checkText, reportDuplicate, reportField, reportInvalid } from "./decode.ts";
import { portNameProblems, qualifiedNameProblems } from "./names.ts";
import type { Node } from "./node.ts";
import { checkPortNames, decodePort, decodeProtocol, PORT_RANGE, protocolWord } from "./port.ts";
import type { Fitting } from "./shape.ts";
import { show } from "./show.ts";
import type { Located, ServicePortSpec, ServiceType } from "./types.ts";

/** ServicePort (v1). */
export const SERVICE_PORT = {
  appProtocol: "string",
  name: "string",
  nodePort: "integer",
  port: "integer",
  protocol: "string",
  targetPort: "integer or string",
} as const;

type PortFields = Fitting<typeof SERVICE_PORT>;

/** The default of the API server's flag --service-node-port-range. */
const NODE_PORT_RANGE = { from: 30000, to: 32767 } as const;

/** The ports of a Service: at least one, except for headless ones and ExternalName. */
export function decodeServicePorts(
  context: Context,
  spec: Node,
  fields: { readonly ports?: readonly PortFields[] | null },
  type: ServiceType,
  headless: boolean,
): readonly ServicePortSpec[] {
  const given = fields.ports ?? [];
  if (!headless && type !== "ExternalName") checkRequired(context, spec, "ports", given);
  if (given.length === 0) return [];
  const list = spec.member("ports");
  checkPortNames(context, list, given, { required: given.length > 1, unique: true });
  const ports = given.map((port, index) => decodeServicePort(context, list.item(index), port, type));
  const valid = ports.includes(undefined) ? ports.filter((port) => port !== undefined) : (ports as ServicePortSpec[]);
  if (valid.length > 1) checkRepeated(context, valid);
  return valid;
}

function decodeServicePort(
  context: Context,
  node: Node,
  fields: PortFields,
  type: ServiceType,
): ServicePortSpec | undefined {
  checkText(context, node, "appProtocol", fields.appProtocol, qualifiedNameProblems);
  const protocol = decodeProtocol(context, node, fields.protocol);
  const port = decodePort(context, node, "port", fields.port);
  const targetPort = decodeTargetPort(context, node, fields.targetPort);
  const nodePort = decodeNodePort(context, node, fields.nodePort, type);
  return port === undefined || protocol === undefined
    ? undefined
    : { name: fields.name ?? "", protocol, port, targetPort, nodePort, node };
}

/** A number or a container port's name; 0 and the empty string count as absent, which means the same as `port`. */
function decodeTargetPort(
  context: Context,
  node: Node,
  target: number | string | null | undefined,
): Port | string | undefined {
  if (target === undefined || target === null || target === 0 || target === "") return undefined;
  if (typeof target === "string") {
    checkText(context, node, "targetPort", target, portNameProblems);
    return target;
  }
  const port = asPort(target);
  if (port === undefined) reportInvalid(context, node.member("targetPort"), PORT_RANGE);
  return port;
}

/** 0 counts as absent. */
function decodeNodePort(
  context: Context,
  node: Node,
  number: number | null | undefined,
  type: ServiceType,
): Located<Port> | undefined {
  if (number === undefined || number === null || number === 0) return undefined;
  const value = asPort(number);
  const member = node.member("nodePort");
  const { from, to } = NODE_PORT_RANGE;
  if (number < from || number > to) {
    const detail = `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    const severity = value === undefined ? "error" : "warning"; // the range is a flag of the API server
    reportField(context, member, "node-port-range", `Invalid value: ${show(number)}: ${detail}`, severity);
  }
  if (type === "ClusterIP")
    reportField(context, member, "forbidden-field", "Forbidden: may not be used when `type` is 'ClusterIP'");
  return value === undefined ? undefined : { value, node: member };
}

/** Reports ports, and node ports, that two entries have with the same protocol. */
function checkRepeated(context: Context, ports: readonly ServicePortSpec[]): void {
  const firsts = new Map<string, Node>();
  for (const { protocol, port, nodePort, node } of ports) {
    const first = firsts.get(`${protocol} ${port}`);
    if (first === undefined) firsts.set(`${protocol} ${port}`, node);
    else reportDuplicate(context, node, first, { protocol: protocolWord(protocol), port });
    if (nodePort === undefined) continue;
    const key = `node ${protocol} ${nodePort.value}`;
    const firstNodePort = firsts.get(key);
    if (firstNodePort === undefined) firsts.set(key, nodePort.node);
    else reportDuplicate(context, nodePort.node, firstNodePort);
  }
}
