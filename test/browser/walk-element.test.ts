/// <reference lib="dom" />
/** `<kpc-walk>` in Chromium draws what `kpc trace` draws. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing } from "../support/browser.ts";
import { kpc } from "../support/cli.ts";
import { startBrowser } from "../support/page.ts";
import { ROOT } from "../support/pages.ts";
import { some } from "../support/runs.ts";
import { asWritten, drawingIn, ELEMENT, openSite, pageWithWalk } from "../support/site.ts";

const SHOP = ["nodes", "pods", "services"].map((name) => `examples/shop/manifests/${name}.yaml`);
const CLUSTER = "examples/shop/cluster.yaml";
const SETTINGS = "examples/shop/kpc.yaml";
const BROKEN = ["examples/broken/manifests.yaml", "examples/broken/bridge-netfilter.yaml"];
const QUESTION = "tcp web-1 > svc/api:http";

const STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src blob:";

interface Shown {
  readonly question: string;
  readonly inputs: readonly string[];
  readonly settings?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** A walk on the same node, one by IPv4 from outside with its note, one that is lost with its finding, another branch, and the other mode. */
const SHOWN: readonly Shown[] = [
  { question: QUESTION, inputs: [...SHOP, CLUSTER], settings: SETTINGS },
  { question: "tcp internet > node-1:30123", inputs: [...SHOP, CLUSTER], settings: SETTINGS },
  { question: "tcp client > svc/web", inputs: BROKEN },
  {
    question: QUESTION,
    inputs: [...SHOP, CLUSTER],
    settings: SETTINGS,
    attributes: { branch: "2", scheme: "dark" },
    flags: ["--branch", "2", "--scheme", "dark"],
  },
  {
    question: "tcp internet > lb/partners",
    inputs: [...SHOP, CLUSTER],
    settings: SETTINGS,
    attributes: { mode: "iptables" },
    flags: ["--mode", "iptables"],
  },
];

describe.skipIf(browserMissing !== undefined)("<kpc-walk>", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  test.each(some(SHOWN, 1))(
    "shows what kpc trace draws: $question",
    async ({ question, inputs, settings, attributes, flags = [] }) => {
      const src = [...inputs, ...(settings === undefined ? [] : [settings])];
      const { page, said, requests } = await openSite(
        browser,
        pageWithWalk({ src: src.join(" "), packet: question, ...attributes }),
        { policy: STRICT },
      );
      const drawn = await drawingIn(page);
      const config = settings === undefined ? [] : ["-c", settings];
      const scheme = flags.includes("--scheme") ? [] : ["--scheme", "light"];
      const { stdout } = kpc(
        ["trace", question, ...inputs, ...config, "-o", "svg", "--no-table", ...scheme, ...flags],
        {
          folder: ROOT,
        },
      );
      expect(stdout).toContain("</svg>");
      expect(drawn).toBe(await asWritten(page, stdout));
      expect(said).toEqual([]);
      expect(requests).toEqual(["/", "/kpc-walk.js", ...src.map((name) => `/${name}`)]);
      await page.context().close();
    },
  );
});

test("the script of <kpc-walk> is as small as docs say, and has the licences of all that is in it", () => {
  const script = readFileSync(ELEMENT, "utf8");
  const [, said] =
    /`dist\/playground\/kpc-walk\.js` .* \((\d+) kB gzipped\)/.exec(
      readFileSync(`${ROOT}docs/playground.md`, "utf8"),
    ) ?? [];
  expect(Math.abs(gzipSync(script).length / 1000 - Number(said))).toBeLessThan(10);
  expect(script).toMatch(/^\/\*! kpc [\d.]+, Apache-2\.0\. It holds:\n\nyaml [\d.]+\n\n.*Permission to use, copy/s);
});
