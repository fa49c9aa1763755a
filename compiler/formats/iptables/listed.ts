/** Options of extensions that are not understood, as iptables-save lists them: one fact has one text. */
import { meaningOf } from "../../words.ts";
import type { OptionText } from "./grammar.ts";

type Family = "ip" | "ip6";
type Options = readonly OptionText[];

/** `options` of a match or target as they are listed; as they are where nothing is known of it. */
export function listedOptions(name: string, options: Options, family: Family): Options {
  return meaningOf(EXTENSIONS, name)?.(options, family) ?? options;
}

const EXTENSIONS: Readonly<Record<string, (options: Options, family: Family) => Options>> = {
  recent: (options, family) => {
    const mask = family === "ip" ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    const all = [
      ...options,
      ...absent(options, ["--name"], "DEFAULT"),
      ...absent(options, ["--mask"], mask),
      ...absent(options, ["--rsource", "--rdest"]),
    ];
    return inOrder(all, ["--name", "--mask", "--rsource", "--rdest"], "last");
  },
  time,
  TPROXY: (options, family) => {
    const all = [
      ...options.map((option) => (option.name === "--tproxy-mark" ? change(option, markAndMask) : option)),
      ...absent(options, ["--on-ip"], family === "ip" ? "0.0.0.0" : "::"),
      ...absent(options, ["--tproxy-mark"], "0x0/0x0"),
    ];
    return inOrder(all, ["--on-port", "--on-ip", "--tproxy-mark"], "first");
  },
  hashlimit: (options) => {
    const all = [...options.map(hashlimitOption), ...absent(options, ["--hashlimit-burst"], "5")];
    const order = [
      "--hashlimit-upto",
      "--hashlimit-above",
      "--hashlimit-burst",
      "--hashlimit-mode",
      "--hashlimit-name",
    ];
    return inOrder(all, order, "first");
  },
  connlimit: (options, family) => {
    const all = [
      ...options,
      ...absent(options, ["--connlimit-mask"], family === "ip" ? "32" : "128"),
      ...absent(options, ["--connlimit-saddr", "--connlimit-daddr"]),
    ];
    return inOrder(all, ["--connlimit-upto", "--connlimit-above", "--connlimit-mask"], "first");
  },
  string: (options) => inOrder(options, ["--string", "--hex-string", "--algo", "--from", "--to"], "first"),
  dscp: (options) => options.map(dscp),
  u32: (options) =>
    options.map((option) =>
      change(option, (text) => text.replace(/\b(0x[0-9a-f]+|[0-9]+)\b/gi, (each) => hex(Number(each)))),
    ),
};

/** Classes of RFC 4594 by name: CS0 to CS7, AF11 to AF43, EF, BE. */
function dscp(option: OptionText): OptionText {
  const [text = ""] = option.values;
  const [, selector, row, column] = /^(?:CS([0-7])|AF([1-4])([1-3]))$/i.exec(text) ?? [];
  const named = { EF: 46, BE: 0 }[text.toUpperCase()];
  const value =
    selector !== undefined ? Number(selector) * 8 : row !== undefined ? Number(row) * 8 + Number(column) * 2 : named;
  const number = value ?? Number(text);
  if (!Number.isInteger(number)) return option;
  return { ...option, name: "--dscp", values: [`0x${number.toString(16).padStart(2, "0")}`] };
}

function change(option: OptionText, to: (text: string) => string): OptionText {
  return { ...option, values: option.values.map(to) };
}

/** An option that is not there, unless one of `names` is. */
function absent(options: Options, names: readonly string[], ...values: readonly string[]): OptionText[] {
  if (options.some(({ name }) => names.includes(name))) return [];
  return [{ negated: false, name: names[0] ?? "", values, start: 0, end: 0 }];
}

/** Sorted by `order`; others stay as they are, behind the ones in it (`first`) or before them. */
function inOrder(options: Options, order: readonly string[], place: "first" | "last"): Options {
  const rank = ({ name }: OptionText): number => {
    const at = order.indexOf(name);
    return at < 0 && place === "first" ? order.length : at;
  };
  return [...options].sort((a, b) => rank(a) - rank(b));
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

function markAndMask(text: string): string {
  const [value = "", mask] = text.split("/");
  return `${hex(Number(value))}/${mask === undefined ? "0xffffffff" : hex(Number(mask))}`;
}

const MODES = ["srcip", "srcport", "dstip", "dstport"];
const UNITS: Readonly<Record<string, string>> = { s: "sec", m: "min", h: "hour", d: "day" };

function hashlimitOption(option: OptionText): OptionText {
  if (option.name === "--hashlimit-mode")
    return change(option, (text) => {
      const modes = text.split(",");
      return [...MODES.filter((mode) => modes.includes(mode)), ...modes.filter((mode) => !MODES.includes(mode))].join();
    });
  if (option.name !== "--hashlimit-upto" && option.name !== "--hashlimit-above") return option;
  return change(option, (text) => text.replace(/\/([smhd])[a-z]*$/, (_, unit: string) => `/${UNITS[unit]}`));
}

// --- time ----------------------------------------------------------------------------------------------------------------

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Times with their seconds, days by name and sorted; a time that ends when all times end is not said. */
function time(options: Options): Options {
  const all = options.map((option): OptionText => {
    switch (option.name) {
      case "--timestart":
      case "--timestop":
        return change(option, clock);
      case "--datestart":
      case "--datestop":
        return change(option, date);
      case "--weekdays":
        return days(option, DAYS.length, (text) => {
          const number = DAYS.findIndex((day) => text.toLowerCase().startsWith(day.slice(0, 2).toLowerCase()));
          return number < 0 ? Number(text) : number + 1;
        });
      case "--monthdays":
        return days(option, 31, Number);
      default:
        return option;
    }
  });
  const isClocked = all.some(({ name }) => name === "--timestart" || name === "--timestop");
  const complete = isClocked
    ? [...all, ...absent(all, ["--timestart"], "00:00:00"), ...absent(all, ["--timestop"], "23:59:59")]
    : all;
  const said = complete.filter(({ name, values }) => name !== "--datestop" || values[0] !== LAST);
  return inOrder(
    said,
    ["--timestart", "--timestop", "--monthdays", "--weekdays", "--datestart", "--datestop"],
    "first",
  );
}

/** The last second of 31 bits. */
const LAST = "2038-01-19T03:14:07";

function clock(text: string): string {
  const [hours = "0", minutes = "0", seconds = "0"] = text.split(":");
  return [hours, minutes, seconds].map((part) => part.padStart(2, "0")).join(":");
}

function date(text: string): string {
  const [day = "", own = "0"] = text.split("T");
  const [year = "", month = "1", number = "1"] = day.split("-");
  return `${year}-${month.padStart(2, "0")}-${number.padStart(2, "0")}T${clock(own)}`;
}

/** Those that are named, or the others. */
function days(option: OptionText, count: number, numberOf: (text: string) => number): OptionText {
  const named = option.values.flatMap((text) => text.split(",")).map(numberOf);
  if (named.some((number) => !Number.isInteger(number) || number < 1 || number > count)) return option;
  const numbers = Array.from({ length: count }, (_, i) => i + 1).filter(
    (each) => named.includes(each) !== option.negated,
  );
  const names = numbers.map((each) => (count === DAYS.length ? DAYS[each - 1] : String(each)));
  return { ...option, negated: false, values: [names.join()] };
}
