import { unreachable } from "../../invariant.ts";
import { typeOf } from "../../ir/expression-type.ts";
import type {
  HostRoutes,
  ListeningPort,
  PathRoute,
  RequestRule,
  RequestTarget,
  RouteEndpoint,
  RouteTarget,
  TlsTable,
} from "../../ir/routes.ts";
import { isForOthers, isMap } from "../../ir/sets.ts";
import type {
  AskedMap,
  AskedSet,
  Chain,
  Component,
  DataType,
  Expression,
  InlineMap,
  KeyPart,
  MapDeclaration,
  MapElement,
  Program,
  Rule,
  SetDeclaration,
  SetElement,
  Step,
  Table,
  Value,
} from "../../ir/types.ts";
import { API_VERSION } from "../../json-output.ts";
import { type Address, printAddress } from "../../net/address.ts";
import { type Mark, type Subject, UNMARKED } from "../marks.ts";

/** A program as JSON, two blanks deep: the same program gives the same bytes, wherever its manifests stood. Addresses
 *  are text; other values are numbers, or strings for names. Elements are in the order of the program. `mark` is given each of what
 *  has an origin. */
export function printIr(program: Program, mark: Mark = UNMARKED): string {
  const json = programToJson(program);
  return `${mark === UNMARKED ? JSON.stringify(json, null, 2) : printMarked(json, "", mark)}\n`;
}

/** Where objects of the JSON have what they are printed from. It is no member: JSON has none with such a key. */
const SUBJECT = Symbol("subject");

type Marked = object & { readonly [SUBJECT]: Subject };

function isMarked(value: unknown): value is Marked {
  return typeof value === "object" && value !== null && SUBJECT in value;
}

/** `value` as `JSON.stringify` prints it, with marks. What is marked in it is printed apart, in place of a name that nothing else has. */
function printMarked(value: object, indent: string, mark: Mark): string {
  const apart: Marked[] = [];
  const replace = (_: string, member: unknown): unknown =>
    isMarked(member) && member !== value ? `\0${apart.push(member) - 1}` : member;
  return JSON.stringify(value, replace, 2)
    .replaceAll("\n", `\n${indent}`)
    .replace(/^( *)(.*)"\\u0000(\d+)"(,?)$/gm, (_, spaces: string, head: string, index: string, comma: string) => {
      const member = apart[Number(index)] as Marked;
      return spaces + mark(`${head}${printMarked(member, spaces, mark)}${comma}`, member[SUBJECT]);
    });
}

export function programToJson({ ruleset, routes, tls, listeners }: Program): object {
  return {
    apiVersion: API_VERSION,
    kind: "Program",
    ruleset: { ...ruleset, tables: ruleset.tables.map(tableToJson) },
    routes: routes.map(hostToJson),
    ...(tls && { tls: tlsToJson(tls) }),
    ...(listeners && { listeners: listeners.map(listenerToJson) }),
  };
}

/** Times are text. A program has no private keys. */
function tlsToJson({ certificates, hosts, ...others }: TlsTable): object {
  return {
    certificates: certificates.map(({ origin: _, notBefore, notAfter, ...certificate }) => ({
      ...certificate,
      notBefore: new Date(notBefore).toISOString(),
      notAfter: new Date(notAfter).toISOString(),
    })),
    hosts: hosts.map(withoutOrigin),
    ...others,
  };
}

function tableToJson({ sets, maps, chains, objects, retired, ...table }: Table): object {
  const { family } = table;
  return {
    ...table,
    sets: sets.map((set) => setToJson(set, family)),
    maps: maps.map((map) => mapToJson(map, family)),
    chains: chains.map((chain) => chainToJson(chain, family)),
    ...(objects && { objects }),
    ...(retired && {
      retired: {
        ...retired,
        sets: retired.sets.map((set) => setToJson(set, family)),
        maps: retired.maps.map((map) => mapToJson(map, family)),
      },
    }),
  };
}

function chainToJson(chain: Chain, family: Table["family"]): object {
  const { rules, ...others } = chain.kind === "base" ? withoutOrigin(chain) : chain;
  return { ...others, rules: rules.map((rule) => ruleToJson(rule, family)) };
}

function ruleToJson({ origin, steps, ...rule }: Rule, family: Table["family"]): object {
  return { [SUBJECT]: { origin }, ...rule, steps: steps.map((step) => stepToJson(step, family)) };
}

function withoutOrigin<T extends Subject>({ origin: _, ...value }: T): Omit<T, "origin"> {
  return value;
}

function setToJson({ key, elements, ...set }: SetDeclaration, family: Table["family"]): object {
  return {
    ...set,
    key: key.map((component) => componentToJson(component, family)),
    elements: elements.map((element) => elementToJson(element, typesOf(key))),
  };
}

function mapToJson({ key, data, elements, ...map }: MapDeclaration, family: Table["family"]): object {
  return {
    ...map,
    key: key.map((component) => componentToJson(component, family)),
    data: data === "verdict" ? data : data.map((component) => componentToJson(component, family)),
    elements: elements.map((element) =>
      mapElementToJson(element, typesOf(key), data === "verdict" ? data : typesOf(data)),
    ),
  };
}

/** A set or map as a rule asks it. */
function askedToJson(asked: AskedSet | AskedMap): unknown {
  if (typeof asked === "string") return asked;
  const { key } = asked;
  const elements = isMap(asked)
    ? asked.elements.map((element) => mapElementToJson(element, key, asked.data))
    : asked.elements.map((element) => elementToJson(element, key));
  return { ...asked, elements };
}

function typesOf(components: readonly Component[]): readonly DataType[] {
  return components.map(({ type }) => type);
}

function componentToJson({ type, sample }: Component, family: Table["family"]): object {
  return { type, sample: expressionToJson(sample, family) };
}

function elementToJson({ origin, key, ...element }: SetElement, types: readonly DataType[]): object {
  return {
    [SUBJECT]: { origin },
    key: isForOthers(key) ? key : key.map((part, i) => partToJson(part, types[i] as DataType)),
    ...element,
  };
}

function partToJson(part: KeyPart, type: DataType): unknown {
  return typeof part === "object" ? { from: show(part.from, type), to: show(part.to, type) } : show(part, type);
}

function mapElementToJson(
  { value, ...element }: MapElement,
  types: readonly DataType[],
  data: InlineMap["data"],
): object {
  const shown =
    data === "verdict" ? value : (value as readonly Value[]).map((part, i) => show(part, data[i] as DataType));
  return { ...elementToJson(element, types), value: shown };
}

function show(value: Value, type: DataType): string | number {
  if (typeof value === "bigint" || type === "ipv4_addr") return printAddress(value as Address);
  return value;
}

function stepToJson(step: Step, family: Table["family"]): object {
  switch (step.kind) {
    case "compare": {
      const type = typeOf(step.left, family);
      return { ...step, left: expressionToJson(step.left, family), right: show(step.right, type) };
    }
    case "within": {
      const type = typeOf(step.left, family);
      const intervals = step.intervals.map(({ from, to }) => ({ from: show(from, type), to: show(to, type) }));
      return { ...step, left: expressionToJson(step.left, family), intervals };
    }
    case "member":
      return { ...step, key: expressionToJson(step.key, family), set: askedToJson(step.set) };
    case "vmap":
      return { ...step, key: expressionToJson(step.key, family), map: askedToJson(step.map) };
    case "dnat":
    case "snat": {
      const { to } = step;
      if (to.kind === "literal") return plain(step);
      return { ...step, to: { ...to, key: expressionToJson(to.key, family), map: askedToJson(to.map) } };
    }
    case "set":
      return { ...step, value: expressionToJson(step.value, family) };
    default:
      // Values of other steps have one form in the IR and in JSON.
      return plain(step);
  }
}

function expressionToJson(expression: Expression, family: Table["family"]): object {
  switch (expression.kind) {
    case "constant":
      return { ...expression, value: show(expression.value, expression.type) };
    case "concat":
      return { ...expression, parts: expression.parts.map((part) => expressionToJson(part, family)) };
    case "lookup":
      return { ...expression, key: expressionToJson(expression.key, family), map: askedToJson(expression.map) };
    default:
      // Values of others are masks and numbers.
      return plain(expression);
  }
}

/** A port at which Gateways listen, as JSON; addresses and times as text. */
export function listenerToJson({ hosts, tls, ...port }: ListeningPort): object {
  return {
    ...port,
    hosts: hosts.map(({ origin: _, paths, ...host }) => ({ ...host, paths: paths.map(requestRuleToJson) })),
    ...(tls && { tls: tlsToJson(tls) }),
  };
}

function requestRuleToJson({ origin, target, shadowed, ...rule }: RequestRule): object {
  return {
    [SUBJECT]: { origin },
    ...rule,
    target: requestTargetToJson(target),
    ...(shadowed && { shadowed: shadowed.map((lost) => ({ target: requestTargetToJson(lost.target) })) }),
  };
}

function requestTargetToJson(target: RequestTarget): object {
  switch (target.kind) {
    case "endpoints":
      return targetToJson(target);
    case "shares":
      return {
        kind: target.kind,
        shares: target.shares.map((share) => ({ ...share, target: requestTargetToJson(share.target) })),
      };
    case "status":
    case "redirect":
      return target;
    default:
      return unreachable(target);
  }
}

function hostToJson({ fallbackOrigin: _, paths, fallback, ...host }: HostRoutes): object {
  return { ...host, paths: paths.map(pathToJson), fallback: targetToJson(fallback) };
}

function pathToJson({ origin, target, shadowed, ...path }: PathRoute): object {
  return {
    [SUBJECT]: { origin },
    ...path,
    target: targetToJson(target),
    ...(shadowed && { shadowed: shadowed.map((lost) => ({ target: targetToJson(lost.target) })) }),
  };
}

function targetToJson(target: RouteTarget): object {
  if (target.kind === "status") return target;
  const shown = ({ address, port }: RouteEndpoint): object => ({ address: printAddress(address), port });
  const { draining } = target;
  return { ...target, endpoints: target.endpoints.map(shown), ...(draining && { draining: draining.map(shown) }) };
}

/** Plain data: without places, and with addresses of 128 bits as text. */
function plain(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) => {
      if (key === "origin") return undefined;
      return typeof member === "bigint" ? printAddress(member as Address) : member;
    }),
  ) as object;
}
