import { expect, test } from "vitest";
import { planColumns } from "../../../compiler/pictures/walk/columns.ts";
import { foldedStory, MOST_NUMBERS } from "../../../compiler/pictures/walk/fold.ts";
import { layWalk } from "../../../compiler/pictures/walk/picture.ts";
import type { Story, StoryStep } from "../../../compiler/pictures/walk/story.ts";
import { marksOf } from "../../support/picture-laws.ts";
import { FAR, storyOf } from "../../support/story-of.ts";

function stepsOf({ request, reply }: Story): readonly StoryStep[] {
  return [...request.steps, ...(reply?.steps ?? [])];
}

function labelsOf(story: Story): string[] {
  return stepsOf(story).map(({ number, last, head }) => `${number}${last === number ? "" : `-${last}`} ${head}`);
}

const BALANCED = storyOf({ pods: "bridge", balancer: "nat" }, "tcp internet > lb/shop/pub");

test("a walk with few steps is drawn step by step", () => {
  const story = storyOf({ pods: "bridge" }, "tcp pod/client > svc/web");
  expect(stepsOf(story).length).toBeLessThanOrEqual(MOST_NUMBERS);
  expect(foldedStory(story)).toBe(story);
});

test("what one host does to one packet has one number, and says what changes it", () => {
  expect(labelsOf(foldedStory(BALANCED))).toEqual([
    "1 routed to gateway",
    "2 routed to load balancer",
    "3 ",
    "4 DNAT to n1",
    "5-6 masquerade as load balancer",
    "7 ",
    "8-9 DNAT to web-2",
    "10-11 masquerade as n1",
    "12 ",
    "13-14 routed to web-2",
    "15 port 8080, sees 192.168.50.11:*",
    "16 passes unchanged",
    "17 conntrack undoes 10",
    "18 conntrack undoes 9",
    "19 passes unchanged",
    "20 conntrack undoes 5",
    "21 conntrack undoes 4",
    "22 passes unchanged",
    "23 from the address it asked",
  ]);
});

test("a translation has the name of its statement, whatever its chain is called", () => {
  const heads = (statement: string): string[] => {
    const chain = "chain masquerade { type nat hook postrouting priority 90; policy accept;";
    const text = `table ip other { ${chain} ip daddr 198.51.100.10 ${statement}; } }`;
    const story = storyOf({ pods: "bridge" }, "tcp pod/client > 198.51.100.10:443", [], undefined, { n1: text });
    return stepsOf(story).flatMap(({ head }) => (/SNAT|masquerade/.test(head) ? [head] : []));
  };
  expect(heads("snat to 192.168.50.11")[0]).toBe("SNAT as n1");
  expect(heads("masquerade")[0]).toBe("masquerade as n1");
});

test("a tunnel is not folded into a translation", () => {
  const story = foldedStory(storyOf({ pods: "flannel-vxlan" }, "tcp internet > node/n1:30123"));
  const labels = labelsOf(story).filter((label) => /VXLAN|masquerade/.test(label));
  expect(labels).toEqual(["6 masquerade as n1", "7-8 goes into VXLAN", "10-12 comes out of VXLAN"]);
});

test("the table and the description have all steps", () => {
  const numbers = stepsOf(BALANCED).map(({ number }) => number);
  expect([...marksOf(layWalk(BALANCED, { hasDrawing: false })).keys()]).toEqual(numbers);
  const { description } = layWalk(BALANCED);
  for (const { number, where, lines } of stepsOf(BALANCED))
    expect(description).toContain(`${number}: ${where}: ${lines[0]?.text}`);
});

test("walks that go back from a host have no columns", () => {
  const columns = (kind: Parameters<typeof storyOf>[0], packet: string, branch: number): string[] | undefined =>
    planColumns(storyOf(kind, packet, FAR, branch))?.map(({ host }) => host.title);
  const far = "tcp pod/client > 198.51.100.50:80";
  expect(columns({ pods: "bridge" }, far, 3)).toEqual(["n1", "gateway", "load balancer", "n2", "n3"]);
  expect(columns({ pods: "bridge" }, far, 1)).toBeUndefined();
});
