/** Plain data as YAML in kubectl's style: lists at the column of their key, quotes only where they are needed. */

export function printYaml(value: object): string {
  return Array.isArray(value) ? printItems(value, 0) : printMembers(value, 0);
}

function printMembers(object: object, indent: number): string {
  const pad = " ".repeat(indent);
  return Object.entries(object)
    .map(([key, value]) => `${pad}${printScalar(key)}:${printMember(value, indent)}`)
    .join("");
}

function printItems(items: readonly unknown[], indent: number): string {
  const pad = " ".repeat(indent);
  return items
    .map((item) => {
      const isObject = typeof item === "object" && item !== null;
      return `${pad}- ${isObject ? printMembers(item, indent + 2).slice(indent + 2) : `${printScalar(item)}\n`}`;
    })
    .join("");
}

/** What stands behind the colon of a key at column `indent`. */
function printMember(value: unknown, indent: number): string {
  if (Array.isArray(value)) return value.length === 0 ? " []\n" : `\n${printItems(value, indent)}`;
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 ? " {}\n" : `\n${printMembers(value, indent + 2)}`;
  }
  if (typeof value === "string" && value.endsWith("\n")) {
    const pad = " ".repeat(indent + 2);
    return ` |\n${value.replace(/^/gm, pad).trimEnd()}\n`;
  }
  return ` ${printScalar(value)}\n`;
}

const PLAIN = /^(?:[A-Za-z][\w./:-]*[\w/-]|\d+\.\d+\.\d+\.\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off"]);

function printScalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}
