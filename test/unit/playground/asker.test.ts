/** When the page ends its worker, and what the next one gets. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Asker } from "../../../runtime/playground/page/asker.ts";
import type { Ask, Told, Workspace } from "../../../runtime/playground/protocol.ts";

class FakeWorker {
  static readonly all: FakeWorker[] = [];
  readonly asked: Ask[] = [];
  isEnded = false;
  onmessage: ((event: { readonly data: Told }) => void) | undefined;

  constructor() {
    FakeWorker.all.push(this);
  }

  postMessage(ask: Ask): void {
    this.asked.push(ask);
  }

  terminate(): void {
    this.isEnded = true;
  }

  tell(told: Told): void {
    this.onmessage?.({ data: told });
  }
}

const FILE = { name: "a.yaml", text: "kind: Service\n" };

const STATE: Workspace = {
  ...{ files: [FILE], before: [FILE], question: "", mode: "nftables", branch: 0, node: "" },
};

const late: string[] = [];

function ask(): { readonly asker: Asker; readonly first: FakeWorker } {
  const asker = new Asker("", {
    onAnswer: () => undefined,
    onFailed: () => undefined,
    onBusy: () => undefined,
    onLate: (view, isFirst) => late.push(`${view} ${isFirst}`),
  });
  const first = FakeWorker.all.at(-1);
  if (first === undefined) throw new Error("there is no worker");
  return { asker, first };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("URL", { createObjectURL: () => "", revokeObjectURL: () => undefined });
  late.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a worker that still reads the files is not ended", () => {
  const { asker, first } = ask();
  asker.ask("check", STATE);
  asker.ask("walk", STATE);
  vi.advanceTimersByTime(60_000);
  expect(first.isEnded).toBe(false);
  expect(late).toEqual(["check true"]);
});

test("a long answer that nobody waits for is ended, and the next worker gets all files", () => {
  const { asker, first } = ask();
  asker.ask("check", STATE);
  vi.advanceTimersByTime(10_000);
  first.tell({ id: 1, kind: "read" });
  asker.ask("walk", STATE);
  vi.advanceTimersByTime(2_900);
  expect(first.isEnded).toBe(false);
  vi.advanceTimersByTime(200);
  expect(first.isEnded).toBe(true);
  expect(FakeWorker.all.at(-1)?.asked).toMatchObject([{ view: "walk", workspace: { files: [FILE], before: [] } }]);
});

test("an answer that is still waited for takes as long as it takes", () => {
  const { asker, first } = ask();
  asker.ask("matrix", STATE);
  first.tell({ id: 1, kind: "read" });
  vi.advanceTimersByTime(60_000);
  expect(first.isEnded).toBe(false);
});

test("a walk is never ended by a key", () => {
  const { asker, first } = ask();
  asker.ask("walk", STATE);
  first.tell({ id: 1, kind: "read" });
  asker.ask("walk", STATE);
  vi.advanceTimersByTime(60_000);
  expect(first.isEnded).toBe(false);
});

test("files that the worker has are not sent again; the kept state only to compare with it", () => {
  const { asker, first } = ask();
  for (const [i, view] of (["walk", "walk", "diff"] as const).entries()) {
    asker.ask(view, STATE);
    first.tell({ id: i + 1, kind: "failed", stack: "" });
  }
  expect(first.asked.map(({ workspace: { files, before } }) => [files, before])).toEqual([
    [[FILE], []],
    [[0], []],
    [[0], [0]],
  ]);
});
