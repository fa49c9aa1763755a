/** Mistakes in the code that keeps tables up with events: what histories must notice. Each replaces a text that is once in a file of
 *  compiler/. */

import type { Mistake } from "./mistakes.ts";

/** By what is wrong. */
export const NODE_TABLES_MUTANTS: Readonly<Record<string, Mistake>> = {
  "a shared element goes with the first Service that leaves it": {
    file: "updates/ledger.ts",
    from: "if (owners[at] === service) owners.splice(at, 1);",
    to: "if (owners[at] === service) return undefined;",
  },
  "a shared element stays when nobody wants it": {
    file: "updates/ledger.ts",
    from: "if (after === undefined) keys.delete(key);",
    to: "if (after === undefined) return;",
  },
  "a shared element is that of whoever came first": {
    file: "updates/ledger.ts",
    from: "all.splice(placeIn(all, service), 0, service);",
    to: "all.push(service);",
  },
  "a shared element keeps its first owner's comment": {
    file: "updates/ledger.ts",
    from: "if (before !== undefined && after !== undefined && element.comment === undefined) return;",
    to: "if (before !== undefined && after !== undefined) return;",
  },
  "parts of the shape are counted once": {
    file: "updates/ledger.ts",
    from: "(this.counts.get(part) ?? 0) + by",
    to: "by === 1 ? 1 : 0",
  },
  "the shape never shrinks": {
    file: "updates/ledger.ts",
    from: "if (count === 0) this.counts.delete(part);",
    to: "if (count < 0) this.counts.delete(part);",
  },
  "whoever loses a claim is forgotten": {
    file: "updates/claim-index.ts",
    from: "if (service !== by.service) others.add(service);",
    to: "void others;",
  },
  "the youngest has what several claim": {
    file: "updates/claim-index.ts",
    from: "left < right ? -1 : left > right ? 1 :",
    to: "left > right ? -1 : left < right ? 1 :",
  },
  "equally old ones have what they claimed first": {
    file: "updates/claim-index.ts",
    from: "left > right ? 1 : compareKeys(a.service, b.service)",
    to: "left > right ? 1 : 0",
  },
  "claims are not taken back": {
    file: "updates/node-tables.ts",
    from: "this.families[family].claims.move(before?.claims[family] ?? []",
    to: "this.families[family].claims.move([]",
  },
  "what goes and what comes are exchanged": {
    file: "ir/table-change.ts",
    from: "return { removed: [...old.values()], added };",
    to: "return { removed: added, added: [...old.values()] };",
  },
  "an element with another value stays as it was": {
    file: "ir/table-change.ts",
    from: "same !== undefined && contentOf(same) === contentOf(element)",
    to: "same !== undefined",
  },
  "a slice that names another Service does not touch the old one": {
    file: "updates/object-texts.ts",
    from: "return [old?.service, service].filter(",
    to: "return [service].filter(",
  },
  "slices that come before their Service are lost": {
    file: "updates/object-texts.ts",
    from: "if (service !== undefined) this.enter(key, service);",
    to: "if (service !== undefined && this.services.has(service)) this.enter(key, service);",
  },
  "a Service that is deleted leaves its elements": {
    file: "updates/object-texts.ts",
    from: "return this.services.delete(key) ? [key] : [];",
    to: "this.services.delete(key);\n        return [];",
  },
  "other settings concern only Services that change": {
    file: "updates/node-tables.ts",
    from: "    if (isOther)\n",
    to: "    if (isOther && chosen.length > 9)\n",
  },
  "settings are taken once": {
    file: "updates/node-tables.ts",
    from: "this.resolved !== undefined && stringify(this.resolved) === stringify(resolved)",
    to: "this.resolved !== undefined",
  },
  "the old side is made with the new settings": {
    file: "updates/service-table.ts",
    from: "this.contributionOf(move.before, before, this.oldIdentities)",
    to: "this.contributionOf(move.before, after, this.oldIdentities)",
  },
  "the old side forgets what it had lost": {
    file: "updates/service-table.ts",
    from: "({ key }) => !lost.includes(key)",
    to: "() => true",
  },
  "the table stays when its last Service goes": {
    file: "updates/service-table.ts",
    from: "this.users === 0 && serviceCidrs",
    to: "this.users < 0 && serviceCidrs",
  },
  "hints are left out of texts that are kept": {
    file: "updates/brief-objects.ts",
    from: "const { addresses, conditions, nodeName, hints } = endpoint;",
    to: "const { addresses, conditions, nodeName } = endpoint; const hints = undefined;",
  },
  "a Service with an error loses its elements": {
    file: "updates/node-tables.ts",
    from: "else if (decoded === undefined) continue;",
    to: "",
  },
};
