/** Endpoints of a picture: many of one node as one row, many nodes as one box. */
import { compareBy } from "../../order.ts";
import type { EndpointNode, EndpointSetName, FanOut, ShownEndpoint } from "./fan-out.ts";

/** A box: a node, or several of equal shape. */
export interface EndpointBox {
  readonly title: string;
  /** Zone, or how many nodes. */
  readonly note: string;
  readonly rows: readonly EndpointRow[];
}

export interface EndpointRow extends Pick<ShownEndpoint, "name" | "state" | "sets"> {
  /** Empty where it stands for several. */
  readonly address: string;
  readonly place: string | undefined;
  /** How many endpoints it stands for. */
  readonly copies: number;
}

/** More equal endpoints of a node are one row. */
const MOST_OF_NODE = 12;
/** More nodes are put together, those of equal shape first. */
const MOST_NODES = 8;

export function endpointBoxes({ nodes }: FanOut): EndpointBox[] {
  if (nodes.length <= MOST_NODES)
    return nodes.map(({ name, zone, endpoints }) => ({
      title: name,
      note: zone === undefined ? "" : `zone ${zone}`,
      rows: rowsOf(endpoints, MOST_OF_NODE),
    }));
  const byShape = together(nodes, ({ zone = "", endpoints }) => `${zone} ${shapeOf(endpoints)}`);
  return (byShape.length <= MOST_NODES ? byShape : together(nodes, ({ zone = "" }) => zone)).map(boxOf);
}

function boxOf(nodes: readonly EndpointNode[]): EndpointBox {
  const [first] = nodes;
  const zone = first?.zone === undefined ? "" : `zone ${first.zone}`;
  const endpoints = nodes.flatMap((node) => node.endpoints);
  if (nodes.length === 1 && first !== undefined)
    return { title: first.name, note: zone, rows: rowsOf(endpoints, MOST_OF_NODE) };
  const title = `${first?.name ?? ""} and ${nodes.length - 1} more`;
  return {
    title,
    note: [`${nodes.length} nodes`, zone].filter((part) => part !== "").join(", "),
    rows: rowsOf(endpoints, 0),
  };
}

function together(nodes: readonly EndpointNode[], keyOf: (node: EndpointNode) => string): EndpointNode[][] {
  const groups = new Map<string, EndpointNode[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    const group = groups.get(key) ?? [];
    if (group.push(node) === 1) groups.set(key, group);
  }
  return [...groups.values()];
}

/** How many endpoints of each class there are. */
function shapeOf(endpoints: readonly ShownEndpoint[]): string {
  const counts = new Map<string, number>();
  for (const endpoint of endpoints) counts.set(classOf(endpoint), (counts.get(classOf(endpoint)) ?? 0) + 1);
  return JSON.stringify([...counts].sort(compareBy(([name]) => name)));
}

function classOf({
  state = "",
  sets,
}: {
  readonly state: string | undefined;
  readonly sets: readonly EndpointSetName[];
}): string {
  return `${state} ${sets.join()}`;
}

/** A row for each endpoint; for more than `most` of one class a row for all of these. */
function rowsOf(endpoints: readonly ShownEndpoint[], most: number): EndpointRow[] {
  const classes = new Map<string, ShownEndpoint[]>();
  for (const endpoint of endpoints) {
    const alike = classes.get(classOf(endpoint)) ?? [];
    if (alike.push(endpoint) === 1) classes.set(classOf(endpoint), alike);
  }
  return [...classes.values()].flatMap((alike): EndpointRow[] => {
    const [first] = alike;
    if (alike.length <= most || alike.length === 1 || first === undefined)
      return alike.map((each) => ({ ...each, copies: 1 }));
    const { state, sets } = first;
    return [
      { name: stemOf(alike.map(({ name }) => name)), address: "", place: undefined, state, sets, copies: alike.length },
    ];
  });
}

/** `web-…`: what names have in common, up to the end of a word. */
function stemOf(names: readonly string[]): string {
  const [first = ""] = names;
  let length = first.length;
  for (const name of names) while (!name.startsWith(first.slice(0, length))) length--;
  const common = first.slice(0, length);
  const end = Math.max(common.lastIndexOf("-"), common.lastIndexOf("."), common.lastIndexOf(":")) + 1;
  return `${end === 0 ? common : common.slice(0, end)}…`;
}
