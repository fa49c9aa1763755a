import {
  type Context,
  checkRequired,
  checkText,
  reportDuplicate,
  reportField,
  reportInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { show } from "../documents/show.ts";
import { asPort, type Port } from "../net/port.ts";
import type { Located } from "./located.ts";
import { portNameProblems, qualifiedNameProblems } from "./names.ts";
import { checkPortNames, decodePort, decodeProtocol, PORT_RANGE, protocolWord } from "./port.ts";
import type { Fitting } from "./shape.ts";
import type { ServicePortSpec, ServiceType } from "./types.ts";

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
  spec: Field,
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
  field: Field,
  fields: PortFields,
  type: ServiceType,
): ServicePortSpec | undefined {
  checkText(context, field, "appProtocol", fields.appProtocol, qualifiedNameProblems);
  const protocol = decodeProtocol(context, field, fields.protocol);
  const port = decodePort(context, field, "port", fields.port);
  const targetPort = decodeTargetPort(context, field, fields.targetPort);
  const nodePort = decodeNodePort(context, field, fields.nodePort, type);
  return port === undefined || protocol === undefined
    ? undefined
    : { name: fields.name ?? "", protocol, port, targetPort, nodePort, field };
}

/** A number or a container port's name; 0 and the empty string count as absent, which means the same as `port`. */
function decodeTargetPort(
  context: Context,
  field: Field,
  target: number | string | null | undefined,
): Port | string | undefined {
  if (target === undefined || target === null || target === 0 || target === "") return undefined;
  if (typeof target === "string") {
    checkText(context, field, "targetPort", target, portNameProblems);
    return target;
  }
  const port = asPort(target);
  if (port === undefined) reportInvalid(context, field.member("targetPort"), PORT_RANGE);
  return port;
}

/** 0 counts as absent. */
function decodeNodePort(
  context: Context,
  field: Field,
  number: number | null | undefined,
  type: ServiceType,
): Located<Port> | undefined {
  if (number === undefined || number === null || number === 0) return undefined;
  const value = asPort(number);
  const member = field.member("nodePort");
  const { from, to } = NODE_PORT_RANGE;
  if (number < from || number > to) {
    const detail = `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    const severity = value === undefined ? "error" : "warning"; // the range is a flag of the API server
    reportField(context, member, "node-port-range", `Invalid value: ${show(number)}: ${detail}`, severity);
  }
  if (type === "ClusterIP")
    reportField(context, member, "forbidden-field", "Forbidden: may not be used when `type` is 'ClusterIP'");
  return value === undefined ? undefined : { value, field: member };
}

/** Reports ports, and node ports, that two entries have with the same protocol. */
function checkRepeated(context: Context, ports: readonly ServicePortSpec[]): void {
  const firsts = new Map<string, Field>();
  for (const { protocol, port, nodePort, field } of ports) {
    const first = firsts.get(`${protocol} ${port}`);
    if (first === undefined) firsts.set(`${protocol} ${port}`, field);
    else reportDuplicate(context, field, first, { protocol: protocolWord(protocol), port });
    if (nodePort === undefined) continue;
    const key = `node ${protocol} ${nodePort.value}`;
    const firstNodePort = firsts.get(key);
    if (firstNodePort === undefined) firsts.set(key, nodePort.field);
    else reportDuplicate(context, nodePort.field, firstNodePort);
  }
}
