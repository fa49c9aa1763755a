/** Lists of rules in a frontend, read back: which backend each line chooses, and for which requests. */
import type { Origin } from "../../diagnostics.ts";
import type { RequestConditions } from "../../ir/routes.ts";
import { joined, readTest } from "./read-conditions.ts";
import type { TextLine } from "./read-maps.ts";

/** The lines with tests, and those that choose. */
export interface ListLines {
  readonly tests: readonly TextLine[];
  readonly choices: readonly TextLine[];
}

/** A line that chooses a backend. */
export interface ListChoice extends Origin {
  readonly backend: string;
  /** Names of tests that have to hold. */
  readonly tests: readonly string[];
  readonly conditions: RequestConditions | undefined;
  /** Of what comes to the line, it takes `part` of `of` at random. */
  readonly share: { readonly part: number; readonly of: number } | undefined;
}

/** A rule: lines with the same tests, each but the last one with a part of the requests. */
export interface RuleGroup {
  readonly conditions?: RequestConditions | undefined;
  readonly ends: readonly { readonly weight: number; readonly backend: string }[];
  readonly origin: Origin;
}

type Fail = (message: string, origin: Origin) => void;

/** The lists by name, each with its lines in order. */
export function readLists({ tests, choices }: ListLines, fail: Fail): ReadonlyMap<string, readonly ListChoice[]> {
  const known = new Map<string, RequestConditions>();
  for (const line of tests) {
    const test = readTest(line.text);
    if (test === undefined) fail("kpc does not write this test, so it is not known what becomes of requests", line);
    else if (known.has(test.name)) fail(`the test ${test.name} is here twice`, line);
    else known.set(test.name, test.asks);
  }
  const lists = new Map<string, ListChoice[]>();
  for (const line of choices) {
    const [, backend = "", name = "", rest = ""] = LINE.exec(line.text) ?? [];
    const [, words = "", of, part] = WORDS.exec(rest) ?? [];
    const names = words.split(" ").filter((word) => word !== "");
    const unknown = names.find((each) => !known.has(each));
    if (name === "" || (rest !== "" && WORDS.exec(rest) === null))
      fail(
        "kpc does not write this line: expected use_backend NAME if { var(txn.backend) -m str LIST }, and tests",
        line,
      );
    else if (unknown !== undefined) fail(`there is no test ${unknown} in this frontend`, line);
    const conditions = names.length === 0 ? undefined : joined(names.flatMap((each) => known.get(each) ?? []));
    const share = part === undefined ? undefined : { part: Number(part), of: Number(of) };
    lists.set(name, [...(lists.get(name) ?? []), { backend, tests: names, conditions, share, span: line.span }]);
  }
  return lists;
}

const LINE = /^use_backend (\S+) if \{ var\(txn\.backend\) -m str (\S+) \}(.*)$/;
const WORDS = /^((?: [^\s{}!]+)*)(?: \{ rand\((\d+)\) lt (\d+) \})?$/;

/** The rules of a list. */
export function rulesOfList(list: readonly ListChoice[], fail: Fail): RuleGroup[] {
  const groups: RuleGroup[] = [];
  let ends: { readonly weight: number; readonly backend: string }[] = [];
  let left: number | undefined;
  for (const [i, { backend, tests, conditions, share, span }] of list.entries()) {
    const before = list[i - 1];
    const isOpen = left !== undefined;
    if (isOpen && before?.tests.join(" ") !== tests.join(" "))
      fail("the line before this one takes a part of the requests: expected the rest of its shares", { span });
    if (isOpen && share !== undefined && share.of !== left)
      fail(`expected a part of the ${left} that are left`, { span });
    ends.push({ weight: share?.part ?? left ?? 1, backend });
    left = share === undefined ? undefined : share.of - share.part;
    if (left !== undefined && left <= 0) fail("the line takes all of the requests: expected a part of them", { span });
    if (left !== undefined) continue;
    groups.push({ ...(conditions && { conditions }), ends, origin: { span } });
    ends = [];
  }
  if (left !== undefined && list[0] !== undefined)
    fail("the last line of the list takes a part of the requests only", list.at(-1) ?? list[0]);
  return groups;
}
