/** Files that nodes' commands printed, and what kpc reads in them: hosts/NAME/ has the files, hosts/NAME.txt the host, each fact with
 *  its place. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Diagnostic, Source } from "../../compiler/diagnostics.ts";
import { readHostFiles } from "../../compiler/hostfiles/host.ts";
import { findingText, hostText } from "../support/host-text.ts";

const FOLDER = new URL("hosts", import.meta.url).pathname;

const NAMES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test.each(NAMES)("%s", async (name) => {
  const sources = readdirSync(join(FOLDER, name))
    .sort()
    .map((file): Source => ({ name: file, text: readFileSync(join(FOLDER, name, file), "utf8") }));
  const findings: Diagnostic[] = [];
  const { host } = readHostFiles(name, sources, (finding) => void findings.push(finding));
  const text = host === undefined ? "no host\n" : hostText(host);
  await expect([...findings.map(findingText), text].join("\n")).toMatchFileSnapshot(join(FOLDER, `${name}.txt`));
});
