/** A text that the user gave us, and the name by which the user knows it. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Half-open range of UTF-16 offsets in `source.text`. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** Something that came from the input and can say from where. Finding the place may mean reading the document again,
 *  so it happens only when somebody asks. */
export interface Origin {
  readonly span: () => Span;
  /** What kpc has assumed there, because the input leaves it to a control plane. */
  readonly assumed?: readonly Assumed[];
}

/** What `compiler/complete/` gives objects that do not have it. */
export type Assumed = "cluster IP" | "node port" | "health-check node port" | "pod" | "pod address" | "pod node";

/** `origin`, with what is assumed there. */
export function withAssumed(origin: Origin, assumed: readonly Assumed[]): Origin {
  return assumed.length === 0 ? origin : { span: () => origin.span(), assumed };
}

/** `error`: no rules are printed. `warning`: probably a mistake. `note`: an assumption that was made. `info`: what was left out
 *  and why, for those who ask (`kpc check`). */
export type Severity = "error" | "warning" | "note" | "info";

/** A finding about the input. */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  /** One sentence, no position, no newline. */
  readonly message: string;
  readonly origin?: Origin;
  /** Of an error in rules: a step that may do anything stands in the program for what was not read. */
  readonly contained?: true;
  /** What every answer about these rules rests on, although nothing is wrong. */
  readonly restsOn?: {
    /** A sentence that traces assume to hold. */
    readonly assumption?: string;
    /** What comparisons leave out: behind "not compared:". */
    readonly gap: string;
  };
  /** Other places that take part, such as the first of two equal names. */
  readonly notes?: readonly { readonly message: string; readonly origin?: Origin }[];
  /** The host of the described network that it is about, such as `node/n1`. */
  readonly host?: string;
  readonly fix?: Fix;
}

/** What makes a finding go away. */
export interface Fix {
  /** As a shell takes it. */
  readonly command: string;
  /** Where to run it; undefined: where kubectl runs. */
  readonly host?: string;
}

/** Takes findings; a stage reports and goes on. */
export type Report = (diagnostic: Diagnostic) => void;

/** Stable names of findings: users suppress and search by them, tests match on them. */
export type DiagnosticCode = (typeof DIAGNOSTIC_CODES)[number];

export const DIAGNOSTIC_CODES = [
  // text
  "unreadable-file",
  "not-text",
  "yaml-syntax",
  "json-syntax",
  "duplicate-key",
  "too-many-aliases",
  "too-deep",
  "too-large",
  "empty-input",
  "no-objects",
  "other-input",
  // objects
  "not-an-object",
  "unknown-kind",
  "skipped-kinds",
  "skipped-object",
  "unknown-version",
  "duplicate-object",
  // fields
  "wrong-type",
  "missing-field",
  "unknown-field",
  "unknown-value",
  "invalid-value",
  "duplicate-value",
  "leading-zeros",
  "host-bits",
  "ipv4-mapped",
  "non-canonical",
  "forbidden-field",
  "ignored-field",
  "deprecated",
  "too-many-items",
  "too-long",
  "node-port-range",
  // the node
  "no-node",
  "unknown-node",
  "no-detector",
  "no-pod-network",
  "settings-taken",
  "unsupported-mode",
  // joins
  "service-ignored",
  "no-cluster-ip",
  "no-services",
  "assumed",
  "not-completed",
  "unschedulable",
  "no-endpoints",
  "endpoints-ignored",
  "no-matching-pod",
  "unknown-target-port",
  "affinity-per-port",
  "unmatched-slice-port",
  "slice-without-service",
  "slice-ignored",
  "pod-ignored",
  "address-conflict",
  "external-ip-conflict",
  // the network that the nodes are in
  "overlapping-pod-cidrs",
  "pod-outside-cidr",
  "duplicate-address",
  "service-cidr-routed",
  "cluster-mismatch",
  "unknown-cluster-name",
  "gateway-not-connected",
  "unknown-datapath",
  // Ingresses
  "ingress-ignored",
  "broken-backend",
  "shadowed-path",
  "pattern-in-path",
  "controller-differs",
  "annotation-ignored",
  "haproxy-line",
  "haproxy-map",
  "unusable-certificate",
  "shadowed-certificate",
  "certificate-host",
  "certificate-time",
  "no-certificate",
  "gateway-ignored",
  "gateway-not-carried",
  "listener-not-served",
  "route-not-accepted",
  "route-partially-invalid",
  "unresolved-reference",
  // rules
  "rules-syntax",
  "rules-refused",
  "rules-dialect",
  "rules-truncated",
  "rules-include",
  "rules-fragment",
  "rules-ipvs",
  "rules-listing",
  "unknown-table",
  "unknown-chain",
  "unknown-set",
  "chain-loop",
  // files of a node
  "missing-node-file",
  "repeated-node-file",
  "unknown-interface",
  "unsupported-network",
  // questions
  "packet-syntax",
  "unknown-object",
  "no-ingress-proxy",
  // outputs
  "unsupported-nft",
  "unsupported-iptables",
  "unsupported-haproxy",
  "unsupported-table",
  // walks through the network
  "address-unanswered",
  "blackhole-route",
  "bridge-netfilter-off",
  "forward-drops",
  "forwarding-off",
  "hairpin-off",
  "local-policy-unhealthy-node",
  "localnet-off",
  "loop",
  "martian-source",
  "mtu-black-hole",
  "mtu-mismatch",
  "nat-twice",
  "no-neighbour",
  "no-route",
  "node-without-route",
  "reply-bypasses-nat",
  "reply-lost",
  "reverse-path-filter",
  "rules-drop",
  "service-not-translated",
  "source-not-translated",
  "undecided-rules",
  // notes about walks
  "client-address-lost",
  "inferred",
  "masquerade-source-surprising",
  "port-not-declared",
  // differences that are meant
  "stale-difference",
] as const;

/** Where the lines of a text begin; kept per text, since one text may have thousands of findings. */
const lineStarts = new WeakMap<Source, readonly number[]>();

function lineStartsOf(source: Source): readonly number[] {
  const known = lineStarts.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1)) starts.push(at + 1);
  lineStarts.set(source, starts);
  return starts;
}

/** 1-based line and column of the start of `span`; columns count UTF-16 units. */
export function lineAndColumn({ source, start }: Span): { readonly line: number; readonly column: number } {
  const starts = lineStartsOf(source);
  let low = 0;
  let high = starts.length; // the line lies in [low, high)
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= start) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: start - (starts[low] as number) + 1 };
}

/** `name:line:column` of `span`. */
export function printPlace(span: Span): string {
  const { line, column } = lineAndColumn(span);
  return `${span.source.name}:${line}:${column}`;
}
