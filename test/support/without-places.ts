/** A value of the IR without the places that its parts are from, which are not printed. */
export function withoutPlaces<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutPlaces) as T;
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([key, item]) => !PLACES.has(key) && item !== undefined);
  return Object.fromEntries(members.map(([key, item]) => [key, withoutPlaces(item)])) as T;
}

const PLACES: ReadonlySet<string> = new Set(["origin", "fallbackOrigin"]);
