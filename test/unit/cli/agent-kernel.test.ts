import { expect, test } from "vitest";
import { mayWrite } from "../../../compiler/cli/agent-kernel.ts";
import { NetfilterTrouble } from "../../../runtime/table/netfilter.ts";

const HELD = Promise.resolve(true);

function refusing(errno: number | undefined): { readonly generation: () => Promise<number> } {
  return { generation: () => Promise.reject(new NetfilterTrouble("netfilter refuses: words", errno)) };
}

test("a kernel that permits nothing is no reason to wait", async () => {
  await expect(mayWrite({ kernel: refusing(1), isHeld: HELD })).rejects.toThrow(
    /netfilter refuses: words; expected CAP_NET_ADMIN in this network namespace$/,
  );
});

test.each([2, 12, 105, undefined])("error %s may pass", async (errno) => {
  expect(await mayWrite({ kernel: refusing(errno), isHeld: HELD })).toBe(true);
});

test("who is to end before it has the lock asks nothing", async () => {
  expect(await mayWrite({ kernel: refusing(1), isHeld: Promise.resolve(false) })).toBe(false);
});
