/** How iptables-save lists the options of the match of times. */
import type { OptionText } from "../grammar.ts";
import { absent, changeWords, inOrder } from "./listed.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Times with their seconds, days by name and sorted; a time that ends when all times end is not said. */
export function listedTime(options: readonly OptionText[]): readonly OptionText[] {
  const all = options.map((option): OptionText => {
    switch (option.name) {
      case "--timestart":
      case "--timestop":
        return changeWords(option, clock);
      case "--datestart":
      case "--datestop":
        return changeWords(option, date);
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
