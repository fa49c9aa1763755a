/** The page says what the command line says: rules of all flow cases in both modes, walks of their flows, and walks through the example
 *  clusters. */
import { readdirSync, readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readNft } from "../../compiler/formats/nft/read.ts";
import { traceCluster } from "../../compiler/index.ts";
import { printIptables, printNft } from "../../compiler/print.ts";
import type { Ask, InputFile, RuleMode, Told, ViewAnswer, Workspace } from "../../runtime/playground/protocol.ts";
import { answerFor } from "../../runtime/playground/worker/answers.ts";
import { browserMissing } from "../support/browser.ts";
import { compileCase, readCase } from "../support/cases.ts";
import { exampleManifests } from "../support/examples.ts";
import { sameProgram } from "../support/nft-json.ts";
import { openPage, startBrowser, type WatchedPage } from "../support/page.ts";

const CASES = new URL("../cases/flow/", import.meta.url);
const BROKEN = new URL("../../examples/broken/", import.meta.url);
const SHOP = new URL("../../examples/shop/", import.meta.url);
const MODES: readonly RuleMode[] = ["nftables", "iptables"];

/** A workspace without objects has nothing to compile: cases without any are not for the page. */
const CASE_FILES = readdirSync(CASES).filter(
  (name) => name.endsWith(".yaml") && (rawCase(name).objects ?? []).length > 0,
);

interface RawCase {
  readonly objects?: readonly unknown[];
  readonly proxy?: Readonly<Record<string, unknown>>;
  readonly flows?: readonly RawFlow[];
}

interface RawFlow {
  readonly protocol: string;
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

function rawCase(name: string): RawCase {
  return parse(readFileSync(new URL(name, CASES), "utf8")) as RawCase;
}

/** A case as files of a workspace. */
function workspaceOf(name: string, mode: RuleMode, question = ""): Workspace {
  const { objects = [], proxy = {} } = rawCase(name);
  const settings = { apiVersion: "kpc.dev/v1alpha1", kind: "Config", ...proxy };
  const documents = objects.map((object) => JSON.stringify(object, null, 1));
  return workspace(
    [
      { name: "objects.yaml", text: documents.join("\n---\n") },
      {
        name: "settings.yaml",
        text: Object.entries(settings)
          .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
          .join(""),
      },
    ],
    question,
    mode,
  );
}

function workspace(files: readonly InputFile[], question: string, mode: RuleMode = "nftables"): Workspace {
  return { files, before: files, question, branch: 0, mode, node: "" };
}

function text(file: URL): InputFile {
  return { name: file.pathname.split("/").at(-1) ?? "", text: readFileSync(file, "utf8") };
}

const WALKS: readonly (readonly [string, Workspace])[] = [
  ...[
    "tcp web-1 > svc/api:http",
    "udp web-1 > svc/api:dns",
    "tcp outside/client > 198.51.100.1:8080",
    "tcp node/node-1 > svc/web:http",
  ].map(
    (question) =>
      [
        `shop: ${question}`,
        workspace(
          [...exampleManifests(), text(new URL("cluster.yaml", SHOP)), text(new URL("kpc.yaml", SHOP))],
          question,
        ),
      ] as const,
  ),
  ...readdirSync(BROKEN)
    .filter((name) => name.endsWith(".yaml") && name !== "manifests.yaml")
    .map(
      (name) =>
        [
          name,
          workspace([text(new URL(name, BROKEN)), text(new URL("manifests.yaml", BROKEN))], "tcp client > svc/web:80"),
        ] as const,
    ),
];

/** The first and the last flow of each case. */
const FLOWS: readonly (readonly [string, Workspace])[] = CASE_FILES.flatMap((name) => {
  const { flows = [] } = rawCase(name);
  const some = [...new Set([flows[0], flows.at(-1)])].filter((flow) => flow !== undefined);
  const ended = (address: string): string => (address.includes(":") ? `[${address}]` : address);
  return some.map(({ protocol, from, to, port }) => {
    const question = `${protocol} ${ended(from)} > ${ended(to)}:${port}`;
    return [`${name}: ${question}`, workspaceOf(name, "nftables", question)] as const;
  });
});

/** What the worker answers, here. */
async function rulesOf(name: string, mode: RuleMode): Promise<Extract<ViewAnswer, { readonly view: "rules" }>> {
  const answer = await answerFor("rules", workspaceOf(name, mode));
  if (answer.view !== "rules") throw new Error("asked for rules");
  return answer;
}

/** What the tables of a text for nft are. */
function tablesIn(text: string): unknown {
  const program = readNft({ name: "rules.nft", text }, ({ message }) => expect.fail(message));
  return sameProgram(program);
}

test.each(CASE_FILES)("rules of %s are those that kpc compile prints", async (name) => {
  for (const mode of MODES) {
    const { program } = compileCase(readCase(name, readFileSync(new URL(name, CASES), "utf8")), mode);
    const { texts } = await rulesOf(name, mode);
    const shown = (language: string): string | undefined => texts.find((each) => each.language === language)?.text;
    // The page shows elements in their maps, and nothing that empties an earlier file's tables.
    expect(tablesIn(shown("nft") ?? "")).toEqual(tablesIn(printNft(program).text));
    const saved = printIptables(program, "ip");
    expect(shown("iptables")).toBe(saved.unsupported.length > 0 ? undefined : saved.text.trim());
  }
});

test.each([...WALKS, ...FLOWS])("the walk of %s is that of kpc trace", async (_, asked) => {
  const answer = await answerFor("walk", asked);
  if (answer.view !== "walk") throw new Error("asked for a walk");
  const settings = asked.files.find(({ name }) => name === "kpc.yaml" || name === "settings.yaml");
  const manifests = asked.files.filter((file) => file !== settings);
  const {
    result,
    diagnostics,
    text: told = "",
  } = traceCluster(manifests, asked.question, {
    all: true,
    ...(settings === undefined ? {} : { settings }),
  });
  expect(answer.walk?.isAnswered).toBe(result?.answered);
  expect(answer.walk?.branches.length).toBe(result?.branches.length);
  // Where there is no walk, both say why: in most cases no Node is described, so there is no cluster to walk through.
  const errors = [...answer.diagnostics, ...answer.asked].filter(({ severity }) => severity === "error");
  expect(errors.map(({ message }) => message)).toEqual(
    diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message),
  );
  expect(errors.length === 0).toBe(result !== undefined);
  for (const { lines } of answer.walk?.steps ?? [])
    for (const line of lines)
      expect(told.replace(/\s+/g, " ")).toContain(line.text.replace(/^=> /, "").replace(/\s+/g, " "));
});

describe.skipIf(browserMissing !== undefined)("the worker of the page", () => {
  let browser: Browser;
  let watched: WatchedPage;

  beforeAll(async () => {
    browser = await startBrowser();
    watched = await openPage(browser);
  });

  afterAll(() => browser.close());

  /** With files in whole. */
  type WholeAsk = Ask & { readonly workspace: Workspace };

  test("answers in Chromium as it does here", async () => {
    // One mode each: the other one differs in what is compiled, not in where.
    const rules = CASE_FILES.map(
      (name, i): WholeAsk => ({
        id: i,
        view: "rules",
        workspace: workspaceOf(name, i % 2 === 0 ? "nftables" : "iptables"),
      }),
    );
    const asks = [
      ...rules,
      ...[...WALKS, ...FLOWS].map(([, asked], i): WholeAsk => ({ id: i, view: "walk", workspace: asked })),
    ];
    const there = await watched.page.evaluate(askWorker, asks);
    for (const [i, ask] of asks.entries()) {
      const here = await answerFor(ask.view, ask.workspace);
      expect(there[i]).toEqual(JSON.parse(JSON.stringify(here)));
    }
    expect(asks.length).toBeGreaterThan(200);
  });
});

/** Runs in the page: a worker of its own, asked one question after the other. */
async function askWorker(asks: readonly Ask[]): Promise<unknown[]> {
  const source = document.getElementById("worker")?.textContent ?? "";
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const answers: unknown[] = [];
  for (const ask of asks) {
    const told = await new Promise<Told>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<Told>) => {
        if (data.kind !== "read") resolve(data);
      };
      worker.postMessage(ask);
    });
    answers.push(told.kind === "answer" ? JSON.parse(JSON.stringify(told.answer)) : told);
  }
  worker.terminate();
  return answers;
}
