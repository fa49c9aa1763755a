/** Matches of lists that rules fill, of sets of ipset, and of rates. */
import { addressField } from "../../../ir/build.ts";
import type { Step } from "../../../ir/types.ts";
import { refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { bits, choice, firstValue } from "../option-rules.ts";
import { lacking, type OptionWords, optionWords, unitWords } from "../rule-words.ts";
import { absent, changeWords, inOrder } from "./listed.ts";
import type { MatchRow, RuleContext } from "./row.ts";
import { parseUnsigned } from "./values.ts";

// --- recent --------------------------------------------------------------------------------------------------------------

/** The whole address. */
const MASKS = { ip: "255.255.255.255", ip6: new Array(8).fill("ffff").join(":") };

export function recentName(options: readonly OptionText[]): string {
  return firstValue(options, "--name") ?? "DEFAULT";
}

/** The seconds of a use of a list that is plain affinity by source (undefined: no limit), or `other`. */
export function affinityOf(options: readonly OptionText[]): number | undefined | "other" | "set" {
  const names = new Set(options.map(({ name }) => name));
  const plain = ["--set", "--rcheck", "--update", "--seconds", "--reap", "--name", "--rsource", "--mask"];
  const mask = firstValue(options, "--mask") ?? "";
  if ([...names].some((name) => !plain.includes(name)) || !/^(|255\.255\.255\.255|(ffff:){7}ffff)$/.test(mask))
    return "other";
  if (options.some(({ name, negated }) => negated && name !== "--rcheck")) return "other";
  if (names.has("--set")) return names.has("--seconds") ? "other" : "set";
  const seconds = firstValue(options, "--seconds");
  return seconds === undefined ? undefined : (parseUnsigned(seconds) ?? "other");
}

/** Which list, by the source address. Lists have names of their own, which may hold up to 200 characters. */
function listOptions(set: string, { family, listName = ourList }: RuleContext): OptionWords[] {
  return [optionWords("--name", [listName(set)]), optionWords("--mask", [MASKS[family]]), optionWords("--rsource")];
}

function ourList(set: string): string {
  return `KPC-${set.replaceAll("/", "-")}`;
}

/** Lists that are nothing but affinity are understood: clients are entered, and found again within a time. */
const recent: MatchRow = {
  options: {
    "--set": 0,
    "--rcheck": 0,
    "--update": 0,
    "--remove": 0,
    "--seconds": 1,
    "--reap": 0,
    "--hitcount": 1,
    "--rttl": 0,
    "--name": 1,
    "--rsource": 0,
    "--rdest": 0,
    "--mask": 1,
  },
  asks: {
    oneOf: [["--set", "--rcheck", "--update", "--remove"]],
    exclusive: [
      ["--set", "--rcheck", "--update", "--remove"],
      ["--set", "--rttl"],
    ],
  },
  listed: (options, family) => {
    const all = [
      ...options,
      ...absent(options, ["--name"], "DEFAULT"),
      ...absent(options, ["--mask"], MASKS[family]),
      ...absent(options, ["--rsource", "--rdest"]),
    ];
    return inOrder(all, ["--name", "--mask", "--rsource", "--rdest"], "last");
  },
  read: ({ options }, { family, affinity }) => {
    const list = recentName(options);
    if (!affinity.has(list)) return undefined;
    const key = addressField(family === "ip" ? "IPv4" : "IPv6", "saddr");
    const verb = options.find(({ name }) => name === "--set" || name === "--rcheck" || name === "--update");
    const remember: Step = { kind: "remember", operation: "update", set: list, key };
    const found: Step = { kind: "member", key, negated: verb?.negated ?? false, set: list };
    if (verb?.name === "--set") return [remember];
    return verb?.name === "--update" ? [found, remember] : [found];
  },
  steps: {
    remember: ({ set }, scope) => ({
      match: unitWords("recent", optionWords("--set"), ...listOptions(set, scope)),
      joins: "closed",
    }),
    member: ({ set, negated }, scope) => {
      if (typeof set !== "string") return lacking("a set in a rule");
      const list = scope.sets.get(set);
      if (list?.dynamic === undefined) return lacking(`set ${set}`);
      const seconds = list.timeoutSeconds;
      const within = seconds === undefined ? [] : [optionWords("--seconds", [seconds]), optionWords("--reap")];
      const check = optionWords("--rcheck", [], negated);
      return { match: unitWords("recent", check, ...within, ...listOptions(set, scope)) };
    },
  },
};

// --- ipset ---------------------------------------------------------------------------------------------------------------

const COUNTERS = ["packets", "bytes"].flatMap((what) => ["eq", "lt", "gt"].map((how) => `--${what}-${how}`));

/** Whether counters are counted makes no difference to packets. */
const set: MatchRow = {
  options: {
    "--match-set": 2,
    "--return-nomatch": 0,
    "--update-counters": 0,
    "--update-subcounters": 0,
    ...Object.fromEntries(COUNTERS.map((option) => [option, 1])),
  },
  aliases: { "--set": "--match-set" },
  read: ({ options }, { protocol, ipset }) => {
    const [match, ...more] = options.filter(({ name }) => !/^--update-/.test(name));
    if (match === undefined) return refuse("expected --match-set, a set and directions, such as src,dst");
    const [name = "", directions = ""] = match.values;
    if (!/^(src|dst)(,(src|dst))*$/.test(directions)) return refuse("expected directions: src and dst, by commas");
    if (match.name !== "--match-set" || more.length > 0) return undefined;
    const answer = ipset({ set: name, directions: directions.split(","), protocol });
    if (answer === undefined) return undefined;
    const { negated } = match;
    if (answer.kind === "never") return negated ? [] : [{ kind: "chance", numerator: 0 }];
    const { key, declaration } = answer;
    return [{ kind: "member", key, negated, set: declaration.name, ...(negated ? { orAbsent: true } : {}) }];
  },
};

// --- rates ---------------------------------------------------------------------------------------------------------------

const UNITS: Readonly<Record<string, string>> = { s: "sec", m: "min", h: "hour", d: "day" };

/** `5/m`, `5/minute` and `5/min` are one rate; the burst of 5 is what it is anyway. */
const limit: MatchRow = {
  options: { "--limit": 1, "--limit-burst": 1 },
  read: ({ options }) => {
    const rate =
      /^([0-9]+)(?:\/(s|se|sec|seco|secon|second|m|mi|min|minu|minut|minute|h|ho|hou|hour|d|da|day))?$/i.exec(
        firstValue(options, "--limit") ?? "3/hour",
      );
    const burst = firstValue(options, "--limit-burst") ?? "5";
    if (rate === null || Number(rate[1]) === 0) return refuse("expected a rate, such as 5/minute");
    const unit = UNITS[(rate[2] ?? "s").slice(0, 1).toLowerCase()];
    const text = `-m limit --limit ${rate[1]}/${unit}${burst === "5" ? "" : ` --limit-burst ${burst}`}`;
    return [{ kind: "opaque", text, negated: false }];
  },
};

const MODES = ["srcip", "srcport", "dstip", "dstport"];

const hashlimit: MatchRow = {
  asks: {
    required: ["--hashlimit-name"],
    oneOf: [["--hashlimit", "--hashlimit-upto", "--hashlimit-above"]],
  },
  listed: (options) => {
    const all = [...options.map(hashlimitOption), ...absent(options, ["--hashlimit-burst"], "5")];
    const order = ["upto", "above", "burst", "mode", "name"].map((name) => `--hashlimit-${name}`);
    return inOrder(all, order, "first");
  },
};

function hashlimitOption(option: OptionText): OptionText {
  if (option.name === "--hashlimit-mode")
    return changeWords(option, (text) => {
      const modes = text.split(",");
      return [...MODES.filter((mode) => modes.includes(mode)), ...modes.filter((mode) => !MODES.includes(mode))].join();
    });
  if (option.name !== "--hashlimit-upto" && option.name !== "--hashlimit-above") return option;
  return changeWords(option, (text) => text.replace(/\/([smhd])[a-z]*$/, (_, unit: string) => `/${UNITS[unit]}`));
}

const connlimit: MatchRow = {
  asks: {
    ...choice("--connlimit-above", "--connlimit-upto"),
    exclusive: [
      ["--connlimit-above", "--connlimit-upto"],
      ["--connlimit-saddr", "--connlimit-daddr"],
    ],
    numbers: { "--connlimit-above": bits(32), "--connlimit-upto": bits(32) },
  },
  listed: (options, family) => {
    const all = [
      ...options,
      ...absent(options, ["--connlimit-mask"], family === "ip" ? "32" : "128"),
      ...absent(options, ["--connlimit-saddr", "--connlimit-daddr"]),
    ];
    return inOrder(all, ["--connlimit-upto", "--connlimit-above", "--connlimit-mask"], "first");
  },
};

export const LIST_MATCHES: Readonly<Record<string, MatchRow>> = { recent, set, limit, hashlimit, connlimit };
