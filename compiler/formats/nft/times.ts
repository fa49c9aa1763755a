/** Times and days as nft lists them: one fact has one text. */

/** From 0 on. */
export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** A test of `meta hour`, `day` or `time` with its values as they are listed; other texts as they are. */
export function listedTimes(text: string): string {
  const [, key] = /^meta (hour|day|time) /.exec(text) ?? [];
  switch (key) {
    case "hour":
      return text.replace(/"(\d\d:\d\d):00"/g, '"$1"');
    case "time":
      return text.replace(
        /"(\d+-\d+-\d+)(?: (\d+:\d+)(:\d+)?)?"/g,
        (_, date: string, clock = "00:00", seconds = ":00") => {
          return `"${date} ${clock}${seconds}"`;
        },
      );
    case "day":
      return sortDays(text.replace(/(?<=[ ,{-])([0-6])(?=$|[ ,}])/g, (number) => `"${DAYS[Number(number)]}"`));
    default:
      return text;
  }
}

function sortDays(text: string): string {
  return text.replace(/\{ ([^{}]*) \}/, (all, inside: string) => {
    const days = inside.split(", ").map((day) => DAYS.indexOf(day.replaceAll('"', "")));
    if (days.includes(-1)) return all;
    return `{ ${[...days]
      .sort((a, b) => a - b)
      .map((day) => `"${DAYS[day]}"`)
      .join(", ")} }`;
  });
}

/** Seconds of `1d2h3m4s500ms`, or of a number; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^[0-9]+$/.test(text)) return Number(text);
  const parts = /^(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/.exec(text);
  if (parts === null || text === "") return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0, thousandths = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds + thousandths / 1000;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** Seconds as nft lists them: `3h`, `1d2h`, `90s` as `1m30s`; parts of a thousandth are left out. */
export function printDuration(seconds: number): string {
  let rest = Math.floor(seconds * 1000 + 1e-6);
  let text = "";
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === "" ? "0s" : text;
}
