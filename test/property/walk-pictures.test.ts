/** Laws of pictures of walks: of all flows of the stories, and of random ones through random clusters. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { KnownNetwork } from "../../compiler/findings/known-network.ts";
import { findWalkFaults } from "../../compiler/findings/walk-findings.ts";
import type { Network } from "../../compiler/network/network.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { layWalk } from "../../compiler/pictures/walk/picture.ts";
import { tellWalk } from "../../compiler/pictures/walk/tell.ts";
import type { Specs } from "../../compiler/specs/types.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import type { Walk, WalkFlow } from "../../compiler/walk/types.ts";
import {
  coveredMarks,
  crossedFrames,
  marksOf,
  misnumbered,
  outside,
  overlaps,
  sharedSegments,
  wrongKey,
} from "../support/picture-laws.ts";
import { randomCluster } from "../support/random-clusters.ts";
import { EVERYTHING, runs, some } from "../support/runs.ts";
import { STORIES, STORY_CLUSTERS } from "../support/stories.ts";
import { FAR } from "../support/story-of.ts";
import { describeShop, flowOf, SHOP } from "../support/walks.ts";

interface Followed {
  readonly specs: Specs;
  readonly network: Network;
  readonly known: KnownNetwork;
  readonly walk: Walk;
  readonly text: string;
}

/** What is broken; all of it is empty. */
function brokenLaws({ specs, network, known, walk, text }: Followed) {
  const { protocol } = walk.flow;
  const context = { names: new WalkNames(specs, network), protocol, hosts: network.hosts, isVerbose: false };
  const findings = findWalkFaults(known, walk);
  return walk.branches.flatMap((_branch, i) => {
    const story = tellWalk(walk, context, { asked: text, findings, branch: i + 1 });
    if (story === undefined) throw new Error(`${text} has no branch ${i + 1}`);
    const numbers = [story.request, story.reply].flatMap((way) => way?.steps ?? []).map(({ number }) => number);
    const scene = layWalk(story);
    const narrow = layWalk({ ...story, findings: [] }, { hasTable: false, leastWidth: 880 });
    const broken = {
      overlaps: [...overlaps(scene), ...overlaps(narrow)],
      outside: [...outside(scene), ...outside(narrow)],
      shared: sharedSegments(scene),
      covered: [...coveredMarks(scene), ...coveredMarks(narrow)],
      crossed: crossedFrames(scene),
      misnumbered: misnumbered(scene),
      keys: [scene, narrow, layWalk(story, { hasDrawing: false })].flatMap(wrongKey),
      // Each number of the table stands once in the drawing, alone or in a range; they count from 1.
      drawn: wrongMarks(marksOf(layWalk(story, { hasTable: false })), numbers),
      listed: wrongMarks(marksOf(layWalk(story, { hasDrawing: false })), numbers),
      gaps: numbers.filter((number, at) => number !== at + 1),
      isUnstable: paint(layWalk(story)) !== paint(scene),
    };
    const isBroken = Object.values(broken).some((each) => (Array.isArray(each) ? each.length > 0 : each));
    return isBroken ? [{ text, branch: i + 1, ...broken }] : [];
  });
}

function wrongMarks(marks: ReadonlyMap<number, number>, numbers: readonly number[]): string[] {
  const all = new Set([...marks.keys(), ...numbers]);
  return [...all].flatMap((number) => {
    const wanted = numbers.filter((each) => each === number).length;
    const found = marks.get(number) ?? 0;
    return wanted === 1 && found === 1 ? [] : [`${number}: ${found} of ${wanted}`];
  });
}

const CLUSTERS = Object.entries(STORY_CLUSTERS);
const EVERY = EVERYTHING ? 1 : 36;

test.each(CLUSTERS)("%s: pictures of flows keep the laws", (name, kind) => {
  const { input, layout, walker, known } = describeShop(kind);
  const own = CLUSTERS.findIndex(([each]) => each === name);
  const texts = STORIES.filter((_text, i) => (i + own) % EVERY === 0);
  const broken = texts.flatMap((text) => {
    const walk = walker.walk(flowOf(text));
    return brokenLaws({ specs: input.specs, network: layout.network, known, walk, text });
  });
  expect(texts.length).toBeGreaterThanOrEqual(Math.floor(STORIES.length / EVERY));
  expect(broken).toEqual([]);
});

test.each(some(["bridge", "flannel-vxlan"] as const, 1))(
  "%s: pictures of walks through up to five hosts keep the laws",
  (pods) => {
    const { input, layout, walker, known } = describeShop({ pods, balancer: "nat" }, [...SHOP, ...FAR]);
    const texts = ["pod/shop/client > 198.51.100.50:80", "pod/shop/client > 192.168.50.12:30126"];
    const broken = texts.flatMap((text) => {
      const walk = walker.walk(flowOf(text));
      return brokenLaws({ specs: input.specs, network: layout.network, known, walk, text });
    });
    expect(broken).toEqual([]);
  },
);

test("pictures of random walks keep the laws", () => {
  let pictures = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seed) => {
      const { input, subject, mutated } = randomCluster(seed, 3);
      const { network, walker, flows } = subject;
      const known = new KnownNetwork(network, { podCidrs: [], blocks: new Map(), services: [], ports: [] });
      const broken = flows.flatMap((flow: WalkFlow) => {
        pictures++;
        const walk = walker.walk(flow);
        return brokenLaws({ specs: input.specs, network, known, walk, text: mutated });
      });
      expect(broken).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
  expect(pictures).toBeGreaterThanOrEqual(runs(60));
});
