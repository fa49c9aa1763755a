/** ICMP errors and resets go as the walk says: each interface that they pass, their addresses there, and whether the client hears of it. */
import { describe, expect, test } from "vitest";
import { expectedSightings } from "../../compiler/walk/expected.ts";
import type { NoticeLeg } from "../../compiler/walk/types.ts";
import { packetText } from "../../runtime/lab/compare-walk.ts";
import { PacketLab } from "../../runtime/lab/lab.ts";
import type { LabSighting } from "../../runtime/lab/sightings.ts";
import { kernelMissing } from "../support/kernel.ts";
import { describeNotice, NOTICES, type NoticeStory } from "../support/notices.ts";
import { some } from "../support/runs.ts";

const ETHERNET = 14;
const IPV4 = 20;
const UNREACHABLE = 3;
const IPV6 = 40;
/** ICMPv6 has errors below this type. */
const LEAST_NO_ERROR = 128;

function isNotice({ packet, frame }: LabSighting, says: string): boolean {
  if (says === "tcp-reset") return packet.role === "reset";
  if (packet.protocol === 1) return frame.bytes[ETHERNET + IPV4] === UNREACHABLE;
  return packet.protocol === 58 && (frame.bytes[ETHERNET + IPV6] ?? LEAST_NO_ERROR) < LEAST_NO_ERROR;
}

/** Once: packets that are sent again are told of again. */
function withoutRepetition(texts: readonly string[]): string[] {
  const again = texts.findIndex((text, i) => texts.indexOf(text) < i);
  return texts.slice(0, again < 0 ? texts.length : again);
}

/** What arrives, and is not told to programs that do not ask for it (icmp_err_convert). */
const SOFT: ReadonlySet<string> = new Set(["net-unreachable"]);

const textsOf = (leg: NoticeLeg): string[] =>
  expectedSightings(leg).map((each) => `${each.host} ${each.interface} ${each.direction} ${packetText(each)}`);

async function noticesInLab(story: NoticeStory): Promise<{ seen: string[]; predicted: string[][]; hears: boolean }> {
  const { layout, programOf, walker } = describeNotice(story);
  const lab = await PacketLab.up(layout.network, programOf);
  try {
    await lab.watch([...layout.network.hosts.keys()]);
    await lab.sightings();
    const answer = await lab.ask({ ...story.flow, patience: 2000 });
    const seen = (await lab.sightings()).filter((each) => isNotice(each, story.says));
    const { branches } = walker.walk(story.flow);
    return {
      seen: withoutRepetition(
        seen.map((each) => `${each.host} ${each.interface} ${each.direction} ${packetText(each.packet)}`),
      ),
      predicted: branches.flatMap(({ notice }) => (notice === undefined ? [] : [textsOf(notice)])),
      hears: answer.kind === "error",
    };
  } finally {
    lab.close();
  }
}

describe.skipIf(kernelMissing !== undefined)("what the network tells a sender", () => {
  test.each(some(NOTICES, 1))("$title", async (story) => {
    const { seen, predicted, hears } = await noticesInLab(story);
    expect(predicted).toContainEqual(seen);
    const isHeard = story.ends.some((end) => end.startsWith("delivered"));
    expect(hears).toBe(isHeard && !SOFT.has(story.says));
  });
});
