import { describe, expect, test } from "vitest";
import { FAMILIES } from "../../compiler/net/address.ts";
import { routePacket } from "../../compiler/network/route.ts";
import { kernelMissing } from "../support/kernel.ts";
import { answerText, askKernel, keyOf, randomHost } from "../support/routing.ts";
import { EVERYTHING } from "../support/runs.ts";

/** A million questions in `npm run test:all`. */
const HOSTS = EVERYTHING ? 100 : 5;
const QUESTIONS = EVERYTHING ? 2000 : 100;

describe.skipIf(kernelMissing !== undefined)("a packet is routed as by ip route get", () => {
  test.each(FAMILIES)("%s", async (family) => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= HOSTS; seed++) {
      const random = randomHost(family, seed, QUESTIONS);
      const { host, answers } = await askKernel(family, random);
      const wrong = random.questions.flatMap((question, i) => {
        const decision = routePacket(host, keyOf(question));
        kinds.add(decision.kind);
        const answer = answerText(decision, question);
        return answer === answers[i] ? [] : [{ seed, question, kernel: answers[i], kpc: answer }];
      });
      expect(wrong.slice(0, 3)).toEqual([]);
    }
    for (const kind of ["local", "forward", "no-route", "unreachable"]) expect(kinds).toContain(kind);
  });
});
