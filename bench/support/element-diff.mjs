// @ts-check
/** The smallest transaction that takes a host from one compiled program to another, when only elements differ. */
import { printRule } from "../../dist/compiler/formats/nft/print.js";

/**
 * Programs as `kpc compile -o ir` prints them: keys and values are texts and numbers that nft reads as they are.
 *
 * @typedef {string | number} Part
 * @typedef {{ key: (Part | { from: Part, to: Part })[], value?: any, comment?: string }} Element
 * @typedef {{ name: string, elements: Element[] }} Collection
 * @typedef {{ name: string, comment?: string, rules: any[] }} Chain
 * @typedef {{ family: "ip" | "ip6", name: string, sets: Collection[], maps: Collection[], chains: Chain[] }} Table
 * @typedef {{ ruleset: { tables: Table[] } }} Program
 *
 * @typedef {object} Difference
 * @property {string} chains Commands that make the chains that `after` needs and `before` did not.
 * @property {string} elements Commands that change elements; to be run in one transaction with or after the others.
 * @property {number} deleted Elements.
 * @property {number} added Elements.
 */

/**
 * Elements that are gone or changed are deleted, those that are new or changed are added. Chains that `before` had and
 * `after` needs no more stay: the next program may have them again. Throws when anything else differs.
 * @param {Program} before
 * @param {Program} after
 * @returns {Difference}
 */
export function elementDiff(before, after) {
  let [chains, deletes, adds] = ["", "", ""];
  let [deleted, added] = [0, 0];
  for (const [was, is] of pairs(before.ruleset.tables, after.ruleset.tables, "table")) {
    const at = `${is.family} ${is.name}`;
    chains += printNewChains(was, is);
    for (const [from, to] of [...pairs(was.maps, is.maps, "map"), ...pairs(was.sets, is.sets, "set")]) {
      const old = new Map(from.elements.map((element) => [printKey(element), printElement(element)]));
      const now = new Map(to.elements.map((element) => [printKey(element), printElement(element)]));
      const gone = [...old].filter(([key, text]) => now.get(key) !== text).map(([key]) => key);
      const fresh = [...now].filter(([key, text]) => old.get(key) !== text).map(([, text]) => text);
      if (gone.length > 0) deletes += `delete element ${at} ${to.name} { ${gone.join(", ")} }\n`;
      if (fresh.length > 0) adds += `add element ${at} ${to.name} { ${fresh.join(", ")} }\n`;
      deleted += gone.length;
      added += fresh.length;
    }
  }
  return { chains, elements: deletes + adds, deleted, added };
}

/** The objects of both lists, which have to have the same names.
 * @template {{ name: string }} T
 * @param {readonly T[]} before
 * @param {readonly T[]} after
 * @param {string} what
 * @returns {[before: T, after: T][]} */
function pairs(before, after, what) {
  const names = (/** @type {readonly T[]} */ list) => list.map(({ name }) => name).join(" ");
  if (names(before) !== names(after)) throw new Error(`a ${what} was added or removed: load the whole file instead`);
  return after.map((object, index) => [/** @type {T} */ (before[index]), object]);
}

/** Also for a chain that an earlier program has left behind, hence the flush.
 * @param {Table} was
 * @param {Table} is */
function printNewChains(was, is) {
  const known = new Map(was.chains.map((chain) => [chain.name, JSON.stringify(chain)]));
  let text = "";
  for (const chain of is.chains) {
    const before = known.get(chain.name);
    if (before === JSON.stringify(chain)) continue;
    if (before !== undefined) throw new Error(`chain ${chain.name} has other rules: load the whole file instead`);
    const at = `${is.family} ${is.name} ${chain.name}`;
    text += `add chain ${at}\nflush chain ${at}\n`;
    for (const rule of chain.rules) text += `add rule ${at} ${printRule(rule, is.family)}\n`;
  }
  return text;
}

/** @param {Element} element */
function printKey({ key }) {
  return key.map((part) => (typeof part === "object" ? `${part.from}-${part.to}` : part)).join(" . ");
}

/** @param {Element} element */
function printElement(element) {
  const { value, comment } = element;
  const note = comment === undefined ? "" : ` comment "${comment}"`;
  return `${printKey(element)}${note}${value === undefined ? "" : ` : ${printValue(value)}`}`;
}

/** @param {Part[] | { kind: string, chain?: string }} value Data, or a verdict. */
function printValue(value) {
  if (Array.isArray(value)) return value.join(" . ");
  return value.chain === undefined ? value.kind : `${value.kind} ${value.chain}`;
}
