/** Files of HAProxy for Gateways say what they were written for: read back, they serve each request alike. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUrls } from "../../compiler/compare/urls/compare.ts";
import type { Diagnostic, Source } from "../../compiler/diagnostics.ts";
import { type HaproxyConfig, printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { type ProxyRoutes, readHaproxy, readHaproxyMaps } from "../../compiler/formats/haproxy/read.ts";
import { asNamed } from "../../compiler/formats/haproxy/read-named.ts";
import { required } from "../../compiler/invariant.ts";
import type { ListeningPort } from "../../compiler/ir/routes.ts";
import type { HaproxySettings } from "../../compiler/proxy-settings.ts";
import { HOSTILE_LISTENERS } from "../support/hostile-listeners.ts";
import { LISTENERS } from "../support/listeners.ts";
import { runs } from "../support/runs.ts";

function readBack({ files }: HaproxyConfig): {
  readonly read: ProxyRoutes | undefined;
  readonly findings: readonly Diagnostic[];
} {
  const sources = new Map([...files].map(([name, text]): [string, Source] => [name, { name, text }]));
  const findings: Diagnostic[] = [];
  const config = sources.get("haproxy.cfg");
  const read = config && readHaproxy(config, sources, (finding) => void findings.push(finding));
  return { read, findings };
}

/** As `show map` of the runtime API prints the maps of listeners. */
function shownMaps(files: ReadonlyMap<string, string>): string {
  return [...files]
    .filter(([name]) => /-\d+\.map$/.test(name))
    .map(([name, text]) => `show map ${name}\n${text.replace(/^(?=.)/gm, "0x5566 ")}\n`)
    .join("");
}

const SETTINGS: fc.Arbitrary<HaproxySettings> = fc
  .tuple(fc.boolean(), fc.constantFrom(0, 2), fc.boolean())
  .map(([isSafe, spareBackends, http2]) => ({ ...(isSafe ? { pathSafety: "reject" } : {}), spareBackends, http2 }));

describe("the files for", () => {
  test.each<[string, fc.Arbitrary<ListeningPort[]>]>([
    ["listeners as lowering gives them", LISTENERS],
    ["listeners with hostile texts", HOSTILE_LISTENERS],
  ])("%s say the same", (_, arbitrary) => {
    let count = 0;
    fc.assert(
      fc.property(arbitrary, SETTINGS, (listeners, settings) => {
        const printed = printHaproxy([], { listeners, settings });
        const { read, findings } = readBack(printed);
        expect(
          findings.map(({ message, origin }) => [
            message,
            origin?.span().source.text.slice(origin.span().start, origin.span().end),
          ]),
        ).toEqual([]);
        // What HAProxy cannot be given differs, and is told.
        if (printed.unsupported.length > 0 || read === undefined) return;
        count++;
        const rejectsUnsafe = settings.pathSafety === "reject";
        const side = { routes: [], listeners, knowsEndpoints: true, rejectsUnsafe, tls: "none" as const };
        const { differences, open } = compareUrls(side, { ...read, tls: "none" });
        expect(differences).toEqual([]);
        expect(open).toEqual([]);
        expect(read.listeners?.map(({ port }) => port)).toEqual(listeners.map(({ port }) => port));
        const shown = readHaproxyMaps({ name: "maps", text: shownMaps(printed.files) }, (finding) =>
          expect(finding).toBeUndefined(),
        );
        const named = { ...side, listeners: asNamed(listeners), knowsEndpoints: false };
        const compared = compareUrls(named, { ...required(shown, "maps that kpc wrote"), rejectsUnsafe, tls: "none" });
        expect([compared.differences, compared.open]).toEqual([[], []]);
      }),
      { numRuns: runs(280) },
    );
    expect(count).toBeGreaterThan(runs(280) / 4);
  });
});
