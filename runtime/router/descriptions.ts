/** What decisions of a table mean, in the words of the manifests that it was made from. */
import * as L from "../../compiler/formats/router/layout.ts";
import { type Ipv4, type Ipv6, printAddress } from "../../compiler/net/address.ts";
import type { Endpoint } from "../classifier/classifier.ts";
import type { RouterRule, Routing } from "./routing.ts";
import type { RouterTable } from "./table.ts";

/** An answer with a certificate, and those with others. */
interface Shown {
  readonly certificate: number;
  readonly routing: Routing;
  readonly next: Shown | undefined;
}

/** Answers, each of which is made when someone asks for it, and kept. */
export class Descriptions {
  private readonly table: RouterTable;
  private readonly decisions: number;
  /** By decision. Lists are as long as they get from the beginning: one that grows at any place is a slow one. */
  private readonly plain: (Routing | undefined)[];
  /** Undefined: nobody asked over TLS. */
  private shown: (Shown | undefined)[] | undefined;
  private readonly endpoints: (readonly Endpoint[] | undefined)[];
  private readonly texts = new Map<number, string>();

  constructor(table: RouterTable) {
    this.table = table;
    const { words } = table;
    this.decisions = words[L.R_DECISIONS] as number;
    this.plain = listFor(words[L.R_DECISIONS + 1] as number);
    this.endpoints = listFor(words[L.R_TARGETS + 1] as number);
  }

  /** What becomes of requests for the host whose record is at `host`; `winner` is that of its tree. */
  routing(host: number, winner: number): Routing {
    const decision = (this.table.words[host + L.HOST_DECISIONS] as number) + winner;
    const known = this.plain[decision];
    if (known !== undefined) return known;
    const routing = this.describe(host, winner, undefined);
    this.plain[decision] = routing;
    return routing;
  }

  /** The routing of a request over TLS, with the text of the certificate that is shown. */
  routingWith(host: number, winner: number, certificate: number): Routing {
    const decision = (this.table.words[host + L.HOST_DECISIONS] as number) + winner;
    this.shown ??= listFor(this.plain.length);
    const known = this.shown[decision];
    for (let each = known; each !== undefined; each = each.next)
      if (each.certificate === certificate) return each.routing;
    const routing = this.describe(host, winner, this.text(certificate));
    this.shown[decision] = { certificate, routing, next: known };
    return routing;
  }

  private describe(host: number, winner: number, certificate: string | undefined): Routing {
    const { words } = this.table;
    const at = this.decisions + ((words[host + L.HOST_DECISIONS] as number) + winner) * L.DECISION_WORDS;
    const number = words[at + L.DECISION_TARGET] as number;
    const target = (words[L.R_TARGETS] as number) + number * L.TARGET_WORDS;
    const status = words[target + L.TARGET_STATUS] as number;
    const text = this.text(words[target + L.TARGET_TEXT] as number);
    const name = this.table.name(host);
    const rule = winner === 0 ? undefined : this.ruleOf(host, winner - 1, name, at);
    return {
      backend: status === 0 ? text : undefined,
      endpoints: status === 0 ? this.endpointsOf(number, target) : [],
      status: status === 404 || status === 503 ? status : undefined,
      rule,
      why: `${this.reasonOf(host, name, rule)}: ${status === 0 ? text : `${status}, ${text}`}`,
      certificate,
    };
  }

  /** The rule of a host with the number in its tree, whose decision is at `at`. */
  private ruleOf(host: number, number: number, name: string, at: number): RouterRule {
    const { words } = this.table;
    const tree = (words[L.R_TREES] as number) + (words[host + L.HOST_TREE] as number);
    const rule = (words[L.R_RULES] as number) + ((words[tree + L.TREE_RULES] as number) + number) * L.RULE_WORDS;
    const [line, column] = [words[at + L.DECISION_LINE] as number, words[at + L.DECISION_COLUMN] as number];
    return {
      host: name === "" ? undefined : name,
      match: words[rule + L.RULE_IS_EXACT] === 1 ? "exact" : "prefix",
      path: this.text(words[rule + L.RULE_PATH] as number),
      origin: line === 0 ? undefined : `${this.text(words[at + L.DECISION_FILE] as number)}:${line}:${column}`,
    };
  }

  private reasonOf(host: number, name: string, rule: RouterRule | undefined): string {
    const { words } = this.table;
    if (host === words[L.R_HOSTS] && words[L.R_HAS_OTHERS] === 0) return "no Ingress has a rule for the host";
    const who =
      name === ""
        ? "no rule names the host"
        : name.startsWith("*.")
          ? `${name} is the wildcard for the host`
          : `a rule names ${name}`;
    if (rule === undefined) return `${who}, none of its paths takes the request, and the fallback does`;
    return `${who}, and ${rule.match === "exact" ? `${rule.path} is exactly the path` : `${rule.path} is the longest prefix of the path`}`;
  }

  /** The endpoints of the target with this number, whose record is at `target`. */
  private endpointsOf(number: number, target: number): readonly Endpoint[] {
    const known = this.endpoints[number];
    if (known !== undefined) return known;
    const { words } = this.table;
    const first = words[target + L.TARGET_ENDPOINTS] as number;
    const made = Array.from({ length: words[target + L.TARGET_ENDPOINTS_COUNT] as number }, (_, i) => {
      const at = (words[L.R_ENDPOINTS] as number) + (first + i) * L.ENDPOINT_WORDS;
      const word = (number: number): number => (words[at + L.ENDPOINT_ADDRESS + number] as number) >>> 0;
      const address =
        words[at + L.ENDPOINT_BITS] === 32
          ? (word(0) as Ipv4)
          : ([0, 1, 2, 3].reduce((sum, i) => (sum << 32n) | BigInt(word(i)), 0n) as Ipv6);
      return { address: printAddress(address), port: words[at + L.ENDPOINT_PORT] as number };
    });
    this.endpoints[number] = made;
    return made;
  }

  /** A text of the table, the same string each time. */
  private text(number: number): string {
    const known = this.texts.get(number);
    if (known !== undefined) return known;
    const text = this.table.text(number);
    this.texts.set(number, text);
    return text;
  }
}

function listFor<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined);
}
