/** What several Services want of a table, as they come and go. */
import { expect, test } from "vitest";
import type { SetElement } from "../../../compiler/ir/types.ts";
import { Contribution, type PickChain } from "../../../compiler/lower/contribution.ts";
import { pickChainName } from "../../../compiler/lower/endpoints.ts";
import { Identities } from "../../../compiler/lower/identities.ts";
import { Ledger, SharedChanges } from "../../../compiler/updates/ledger.ts";

const IDENTITIES = new Identities();
const SET = "hairpin";

function element(key: number, comment?: string): SetElement {
  return { key: [key], ...(comment === undefined ? {} : { comment }) };
}

/** What a Service adds that wants elements of a set with these keys. */
function wanting(keys: readonly number[], comment?: string): Contribution {
  const made = new Contribution(IDENTITIES);
  for (const key of keys) made.share(SET, key, element(key, comment));
  return made;
}

/** What a Service adds that needs the table to have something. */
function needing(change: (contribution: Contribution) => void): Contribution {
  const made = new Contribution(IDENTITIES);
  change(made);
  return made;
}

const NONE = wanting([]);

/** Moves of Services, each from what it wanted before, and the changes that they come to. */
class Moves {
  readonly ledger = new Ledger();
  private readonly now = new Map<string, Contribution>();

  move(...moves: readonly (readonly [service: string, after: Contribution])[]): object[] {
    const changes = new SharedChanges();
    for (const [service, after] of moves) {
      this.ledger.move(service, this.now.get(service) ?? NONE, after, changes);
      this.now.set(service, after);
    }
    const made: object[] = [];
    changes.each(
      (set, key, service) => this.now.get(service)?.shared.get(set)?.get(key),
      (set, before, after) => made.push({ set, before, after }),
    );
    return made;
  }

  owners(...keys: readonly number[]): (string | undefined)[] {
    return keys.map((key) => this.ledger.ownerOf(SET, key));
  }
}

test("an element is there while a Service wants it", () => {
  const moves = new Moves();
  expect(moves.owners(1)).toEqual([undefined]);
  expect(moves.move(["shop/b", wanting([1, 2])])).toEqual([
    { set: SET, before: undefined, after: element(1) },
    { set: SET, before: undefined, after: element(2) },
  ]);
  expect(moves.move(["shop/a", wanting([1])])).toEqual([]);
  expect(moves.owners(1, 2)).toEqual(["shop/a", "shop/b"]);
  expect(moves.move(["shop/b", wanting([2])])).toEqual([]);
  expect(moves.owners(1)).toEqual(["shop/a"]);
  expect(moves.move(["shop/a", NONE])).toEqual([{ set: SET, before: element(1), after: undefined }]);
  expect(moves.owners(1, 2)).toEqual([undefined, "shop/b"]);
});

test("of elements with comments that of the first Service by name counts", () => {
  const moves = new Moves();
  moves.move(["shop/b", wanting([1], "of b")]);
  expect(moves.move(["shop/c", wanting([1], "of c")])).toEqual([]);
  expect(moves.move(["shop/a", wanting([1], "of a")])).toEqual([
    { set: SET, before: element(1, "of b"), after: element(1, "of a") },
  ]);
  expect(moves.move(["shop/a", NONE])).toEqual([{ set: SET, before: element(1, "of a"), after: element(1, "of b") }]);
  expect(moves.move(["shop/b", NONE], ["shop/c", NONE])).toEqual([
    { set: SET, before: element(1, "of b"), after: undefined },
  ]);
});

test("what comes and goes in one change is no change", () => {
  const moves = new Moves();
  moves.move(["shop/b", wanting([1], "of b")]);
  expect(moves.move(["shop/a", wanting([1], "of a")], ["shop/a", NONE])).toEqual([]);
  expect(moves.move(["shop/b", NONE], ["shop/b", wanting([1], "of b")])).toEqual([]);
});

test("who wants an element still, after one change and another, wants it once", () => {
  const moves = new Moves();
  moves.move(["shop/a", wanting([1, 2])]);
  expect(moves.move(["shop/a", wanting([1, 3])])).toHaveLength(2);
  expect(moves.move(["shop/a", wanting([1])])).toHaveLength(1);
  expect(moves.move(["shop/a", NONE])).toEqual([{ set: SET, before: element(1), after: undefined }]);
  expect(moves.owners(1, 2, 3)).toEqual([undefined, undefined, undefined]);
});

test("of what a Service wants in one change, one after the other, the last counts", () => {
  const moves = new Moves();
  expect(moves.move(["shop/a", wanting([1], "first")], ["shop/a", NONE], ["shop/a", wanting([1], "last")])).toEqual([
    { set: SET, before: undefined, after: element(1, "last") },
  ]);
});

test("what one Service takes from another in one change had its comment before", () => {
  const moves = new Moves();
  moves.move(["shop/b", wanting([1], "of b")]);
  expect(moves.move(["shop/a", wanting([1], "of a")], ["shop/c", wanting([1], "of c")], ["shop/b", NONE])).toEqual([
    { set: SET, before: element(1, "of b"), after: element(1, "of a") },
  ]);
});

test("what one Service passes to another in one change has its comment then", () => {
  const moves = new Moves();
  moves.move(["shop/b", wanting([1], "of b")]);
  expect(moves.move(["shop/b", NONE], ["shop/a", wanting([1], "of a")])).toEqual([
    { set: SET, before: element(1, "of b"), after: element(1, "of a") },
  ]);
});

test("the owners of an element that many want follow each other by name, in whatever order they come and go", () => {
  const names = ["e", "b", "d", "a", "c"].map((name) => `shop/${name}`);
  const moves = new Moves();
  for (const name of names) moves.move([name, wanting([1])]);
  const owners: (string | undefined)[] = [];
  for (const gone of ["shop/c", "shop/a", "shop/b", "shop/e", "shop/d"]) {
    moves.move([gone, NONE]);
    owners.push(...moves.owners(1));
  }
  expect(owners).toEqual(["shop/a", "shop/b", "shop/d", "shop/d", undefined]);
});

test("who does not want an element, and goes, takes it from nobody", () => {
  const moves = new Moves();
  moves.move(["shop/a", wanting([1])], ["shop/c", wanting([1])]);
  moves.ledger.move("shop/b", wanting([1]), NONE, new SharedChanges());
  expect(moves.owners(1)).toEqual(["shop/a"]);
  moves.move(["shop/a", NONE]);
  expect(moves.owners(1)).toEqual(["shop/c"]);
  moves.ledger.move("shop/b", wanting([1]), NONE, new SharedChanges());
  expect(moves.owners(1)).toEqual(["shop/c"]);
});

const TCP_3: PickChain = { by: "address", list: "only", count: 3, protocol: "tcp", affinitySeconds: undefined };
const ALL = needing((to) => {
  to.protocols.add("tcp").add("udp");
  to.affinitySeconds.add(60).add(10_800);
  to.features.add("node-ports").add("source-ranges");
  to.picks.set(pickChainName(TCP_3), TCP_3);
});

test("the table has what any Service needs it to have", () => {
  const moves = new Moves();
  const shape = (): object => {
    const { protocols, affinitySeconds, features, picks, maps, sets } = moves.ledger.shape(IDENTITIES);
    return { protocols, affinitySeconds, features, picks, elements: maps.size + sets.size };
  };
  const { protocols, affinitySeconds, features, picks } = ALL;
  const none = { protocols: new Set(), affinitySeconds: new Set(), features: new Set(), picks: new Map(), elements: 0 };
  expect(shape()).toEqual(none);
  moves.move(["shop/a", ALL]);
  moves.move(["shop/b", ALL]);
  expect(shape()).toEqual({ protocols, affinitySeconds, features, picks, elements: 0 });
  expect(moves.ledger.usedPicks()).toEqual(picks);
  moves.move(["shop/a", NONE]);
  expect(shape()).toEqual({ protocols, affinitySeconds, features, picks, elements: 0 });
  moves.move(["shop/b", NONE]);
  expect(shape()).toEqual(none);
  expect(moves.ledger.usedPicks()).toEqual(new Map());
});

test("the shape has moved where the first Service comes that needs something, and where the last one goes", () => {
  const { ledger } = new Moves();
  const moved = (...moves: readonly (readonly [string, Contribution, Contribution])[]): boolean => {
    for (const [service, before, after] of moves) ledger.move(service, before, after, new SharedChanges());
    return ledger.takeMoved();
  };
  const tcp = needing((to) => to.protocols.add("tcp"));
  expect(ledger.takeMoved()).toBe(false);
  expect(moved(["a", NONE, tcp])).toBe(true);
  expect(ledger.takeMoved()).toBe(false);
  expect(moved(["b", NONE, tcp])).toBe(false);
  expect(moved(["c", NONE, tcp])).toBe(false);
  expect(moved(["a", tcp, tcp])).toBe(false);
  expect(moved(["c", tcp, NONE])).toBe(false);
  expect(moved(["b", tcp, NONE])).toBe(false);
  expect(moved(["a", tcp, NONE])).toBe(true);
  expect(moved(["a", NONE, wanting([1])])).toBe(false);
});
