/** Which listeners of Gateways are served: those of our classes that conflict with no other one. All Gateways share one proxy. */
import type { Origin, Report } from "../diagnostics.ts";
import type { Port } from "../net/port.ts";
import type { GatewayClassSpec, HttpGatewaySpec, ListenerSpec, ReferenceGrantSpec } from "../specs/gateway-types.ts";
import { oldestFirst } from "./oldest-first.ts";
import { isReferenceAllowed } from "./reference-grants.ts";
import type { CertificateIndex } from "./tls.ts";
import type { IngressCertificate } from "./types.ts";

/** A Gateway that is ours, with what becomes of its listeners. */
export interface OurGateway {
  readonly spec: HttpGatewaySpec;
  readonly listeners: readonly JudgedListener[];
}

export interface JudgedListener {
  readonly spec: ListenerSpec;
  /** Undefined: it is not served. */
  readonly served: ListenerService | undefined;
}

export interface ListenerService {
  readonly protocol: "http" | "https";
  readonly certificates: readonly ServedCertificate[];
}

type ServedCertificate = Extract<IngressCertificate, { readonly kind: "served" }>;

export interface ListenerInput {
  readonly gateways: readonly HttpGatewaySpec[];
  readonly classes: readonly GatewayClassSpec[];
  readonly grants: readonly ReferenceGrantSpec[];
  readonly certificates: CertificateIndex;
  readonly controller: string;
  /** Ports that Ingresses are served at. */
  readonly takenPorts: ReadonlySet<number>;
}

/** Our Gateways, the oldest first. Reports `gateway-ignored`, `listener-not-served` and `unresolved-reference`. */
export function judgeListeners(input: ListenerInput, report: Report): OurGateway[] {
  const older = new ListenerPlaces();
  return oldestFirst(input.gateways)
    .filter((gateway) => isOurs(gateway, input, report))
    .map((spec) => {
      const listeners = judgeGateway(spec, older, input, report);
      // Listeners of one Gateway that conflict leave their place to a younger Gateway.
      for (const { spec: listener, served } of listeners) if (served !== undefined) older.add(listener);
      return { spec, listeners };
    });
}

/** With classes in the input, a Gateway is ours when its class names our controller. Without any class, the manifests are given by hand:
 *  all of their Gateways are ours. */
function isOurs({ meta, className }: HttpGatewaySpec, { classes, controller }: ListenerInput, report: Report): boolean {
  const found = classes.find((candidate) => candidate.meta.name === className);
  if (classes.length === 0 || found?.controller === controller) return true;
  const why =
    found === undefined
      ? `its class ${className} is not in the input`
      : `its class ${className} belongs to ${found.controller}, and kpc serves ${controller} (ingressController in the settings)`;
  const message = `Gateway ${meta.namespace}/${meta.name} is left out: ${why}`;
  report({ severity: "info", code: "gateway-ignored", message, origin: meta.field });
  return false;
}

/** Ports and hosts that listeners have. */
class ListenerPlaces {
  private readonly byPort = new Map<number, ListenerSpec[]>();

  add(listener: ListenerSpec): void {
    const known = this.byPort.get(listener.port);
    if (known === undefined) this.byPort.set(listener.port, [listener]);
    else known.push(listener);
  }

  /** A listener that a request could be for as well, and why. */
  conflictOf(listener: ListenerSpec): Conflict | undefined {
    const others = (this.byPort.get(listener.port) ?? []).filter((other) => other !== listener);
    const protocol = others.find((other) => other.protocol !== listener.protocol);
    if (protocol !== undefined) return { reason: "ProtocolConflict", other: protocol };
    const same = others.find((other) => other.hostname === listener.hostname);
    return same && { reason: "HostnameConflict", other: same };
  }
}

interface Conflict {
  readonly reason: "ProtocolConflict" | "HostnameConflict";
  readonly other: ListenerSpec;
}

const PROTOCOLS: ReadonlyMap<string, "http" | "https"> = new Map([
  ["HTTP", "http"],
  ["HTTPS", "https"],
]);

function judgeGateway(
  gateway: HttpGatewaySpec,
  older: ListenerPlaces,
  input: ListenerInput,
  report: Report,
): JudgedListener[] {
  const own = new ListenerPlaces();
  for (const listener of gateway.listeners) if (PROTOCOLS.has(listener.protocol)) own.add(listener);
  return gateway.listeners.map((spec) => {
    const refuse = (
      reason: string,
      why: string,
      notes?: readonly { readonly message: string; readonly origin: Origin }[],
    ): JudgedListener => {
      const { meta } = gateway;
      const message = `listener ${spec.name} of Gateway ${meta.namespace}/${meta.name} is not served: ${why} (${reason})`;
      report({
        severity: "warning",
        code: "listener-not-served",
        message,
        origin: spec.field,
        ...(notes && { notes }),
      });
      return { spec, served: undefined };
    };
    const protocol = PROTOCOLS.get(spec.protocol);
    if (protocol === undefined)
      return refuse("Accepted: False, UnsupportedProtocol", `kpc carries HTTP and HTTPS, not ${spec.protocol}`);
    if (input.takenPorts.has(spec.port))
      return refuse("Accepted: False, PortUnavailable", `Ingresses are served at port ${spec.port}`);
    const inside = own.conflictOf(spec);
    if (inside !== undefined) {
      const notes = [{ message: "the other listener", origin: inside.other.field }];
      return refuse(
        `Conflicted: True, ${inside.reason}`,
        `${conflictWords(inside, spec.port)}, and neither is served`,
        notes,
      );
    }
    const outside = older.conflictOf(spec);
    if (outside !== undefined) {
      const notes = [{ message: "the listener of the older Gateway", origin: outside.other.field }];
      return refuse(
        `Conflicted: True, ${outside.reason}`,
        `${conflictWords(outside, spec.port)}, in an older Gateway`,
        notes,
      );
    }
    if (protocol === "http") return { spec, served: { protocol, certificates: [] } };
    const certificates = certificatesOf(gateway, spec, input, report);
    if (certificates.length > 0) return { spec, served: { protocol, certificates } };
    return refuse("Programmed: False, Invalid", "it has no certificate that can be served");
  });
}

function conflictWords({ reason, other }: Conflict, port: Port): string {
  return reason === "ProtocolConflict"
    ? `listener ${other.name} has protocol ${other.protocol} at port ${port}`
    : `listener ${other.name} has the same hostname at port ${port}`;
}

/** Those that the listener names and that can be served. Reports `unresolved-reference`. */
function certificatesOf(
  { meta }: HttpGatewaySpec,
  { name: listener, certificates: references }: ListenerSpec,
  { grants, certificates }: ListenerInput,
  report: Report,
): ServedCertificate[] {
  return references.flatMap((reference): ServedCertificate[] => {
    const { group, kind, namespace, name, field } = reference;
    const fail = (reason: string, why: string): ServedCertificate[] => {
      const message = `certificate ${namespace}/${name} of listener ${listener}, Gateway ${meta.namespace}/${meta.name}, is not served: ${why} (ResolvedRefs: False, ${reason})`;
      report({ severity: "warning", code: "unresolved-reference", message, origin: field });
      return [];
    };
    if (group !== "" || kind !== "Secret")
      return fail("InvalidCertificateRef", `only Secrets can be, not ${group === "" ? kind : `${group} ${kind}`}`);
    if (!isReferenceAllowed(grants, { kind: "Gateway", namespace: meta.namespace }, reference))
      return fail("RefNotPermitted", `no ReferenceGrant in ${namespace} allows it`);
    const certificate = certificates.get(`${namespace}/${name}`);
    return certificate.kind === "served" ? [certificate] : fail("InvalidCertificateRef", certificate.reason);
  });
}
