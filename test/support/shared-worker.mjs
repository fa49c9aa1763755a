/** A thread that classifies one batch again and again by a shared table, until it has seen it change often enough. */
import { parentPort, workerData } from "node:worker_threads";
import { joinTable } from "../../dist/runtime/classifier/index.js";

const { place, slots, changes, most } = workerData;
const classifier = joinTable(place);
const seen = new Map();
let before;
let changed = 0;
let batches = 0;
for (; changed < changes && batches < most; batches++) {
  const batch = classifier.classifyMany(slots);
  const endpoints = new Set();
  for (let i = 0; i < batch.count; i++) endpoints.add(classifier.read(batch, i).endpoint?.address);
  const text = [...endpoints].sort().join();
  seen.set(text, (seen.get(text) ?? 0) + 1);
  if (text !== before) changed++;
  before = text;
}
parentPort.postMessage({ batches, changed, seen: [...seen.keys()] });
