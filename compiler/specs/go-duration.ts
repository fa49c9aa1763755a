/** Durations as Go writes them, and as kube-proxy's settings have them. */

/** Milliseconds of each unit. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds of a duration like `1h30m` or `-1.5s`; undefined where `text` is none. `0` needs no unit. */
export function parseGoDuration(text: string): number | undefined {
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : "";
  const rest = text.slice(sign.length);
  if (rest === "0") return 0;
  if (rest === "") return undefined;
  let sum = 0;
  PART.lastIndex = 0;
  for (let at = 0; at < rest.length; at = PART.lastIndex) {
    const [, number, unit = ""] = PART.exec(rest) ?? [];
    if (number === undefined) return undefined;
    sum += Number(number) * (UNITS[unit] ?? 0);
  }
  return sign === "-" ? -sum : sum;
}
