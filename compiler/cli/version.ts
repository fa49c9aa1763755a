import { readFileSync } from "node:fs";

/** The version in package.json, which stands two folders above the bundled file as above this one. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return version;
}
