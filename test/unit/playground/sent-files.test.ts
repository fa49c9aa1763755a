import { expect, test } from "vitest";
import type { InputFile } from "../../../runtime/playground/protocol.ts";
import { FileReceiver, FileSender } from "../../../runtime/playground/sent-files.ts";

const [a, b, c]: readonly InputFile[] = ["a", "b", "c"].map((name) => ({ name, text: `text of ${name}` }));
if (a === undefined || b === undefined || c === undefined) throw new Error("there are three");

test("the worker has the files of the page, and gets each once", () => {
  const [sender, receiver] = [new FileSender(), new FileReceiver()];
  const changed = { name: "a", text: "other text" };
  const states = [
    { files: [a, b], before: [a, b] },
    { files: [a, b], before: [a, b] },
    { files: [changed, b], before: [a, b] },
    { files: [b, changed], before: [] },
    { files: [c], before: [a] },
    { files: [], before: [c] },
  ];
  const copied = states.map((state) => {
    // As a message would copy it.
    const packed = structuredClone(sender.pack(state));
    expect(receiver.unpack(packed)).toEqual(state);
    return [...packed.files, ...packed.before].filter((file) => typeof file !== "number").map(({ name }) => name);
  });
  expect(copied).toEqual([["a", "b", "a", "b"], [], ["a"], [], ["c", "a"], []]);
});

test("a file that is not sent again is the same object", () => {
  const [sender, receiver] = [new FileSender(), new FileReceiver()];
  const state = { files: [a, b], before: [] };
  const first = receiver.unpack(sender.pack(state));
  const second = receiver.unpack(sender.pack({ files: [c, b], before: [] }));
  expect(second.files[1]).toBe(first.files[1]);
});

test("a worker that never got a file says so", () => {
  expect(() => new FileReceiver().unpack({ files: [0], before: [] })).toThrow(RangeError);
});
