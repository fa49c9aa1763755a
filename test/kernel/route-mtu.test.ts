/** What a route's own MTU does to packets that may not be cut into fragments: the kernel in a lab does what the walk says. */
import { describe, expect, test } from "vitest";
import { printAddress } from "../../compiler/net/address.ts";
import { disagreementIn } from "../../runtime/lab/compare-walk.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import { kernelMissing } from "../support/kernel.ts";
import { datagram, describeNarrow, NARROW_ROUTES, type NarrowRoute, ROUTE_MTU } from "../support/route-mtu.ts";
import { some } from "../support/runs.ts";

/** Sends one datagram whose fragments are the sender's business, and prints what the kernel says of it. */
const SEND = (bytes: number, address: string): string => {
  const [family, level, option, headers] = address.includes(":") ? ["INET6", 41, 23, 48] : ["INET", 0, 10, 28];
  return [
    `perl -MSocket=:all -e 'socket(my $s, AF_${family}, SOCK_DGRAM, 0) or die;`,
    `setsockopt($s, ${level}, ${option}, pack("i", 2)) or die;`,
    `my ($e, @found) = getaddrinfo("${address}", 9, {family => AF_${family}, socktype => SOCK_DGRAM}); die $e if $e;`,
    `print defined(send($s, "x" x ${bytes - Number(headers)}, 0, $found[0]{addr})) ? "sent" : $!'`,
  ].join(" ");
};

async function openWith(narrow: NarrowRoute, locks: boolean): Promise<LabSession> {
  const session = await LabSession.open(describeNarrow(narrow, ROUTE_MTU));
  if (!locks) return session;
  const family = narrow.route.includes(":") ? "-6" : "-4";
  const [route = ""] = (await session.lab.run(narrow.host, `ip ${family} route show ${narrow.route}`)).split("\n");
  const locked = route.replace(` mtu ${ROUTE_MTU}`, ` mtu lock ${ROUTE_MTU}`);
  expect(locked).not.toBe(route);
  await session.lab.run(narrow.host, `ip ${family} route replace ${locked}`);
  return session;
}

describe.skipIf(kernelMissing !== undefined)("a route with an MTU", () => {
  const cases = NARROW_ROUTES.flatMap((narrow) => [false, true].map((locks) => ({ ...narrow, locks })));
  const isRouter = ({ host }: NarrowRoute): boolean => host.startsWith("node/");

  test.each(some(cases.filter(isRouter), 1))("$title, locked: $locks", async ({ locks, ...narrow }) => {
    const session = await openWith(narrow, locks);
    try {
      for (const bytes of [ROUTE_MTU, ROUTE_MTU + 1]) {
        const { comparison } = await session.attempt(datagram(narrow.flow, bytes));
        expect(comparison === undefined ? "no branch" : disagreementIn(comparison), `${bytes}`).toBeUndefined();
      }
    } finally {
      session.close();
    }
  });

  // A lab's own packets leave whatever routes say (IP_PMTUDISC_PROBE).
  test.each(
    some(
      cases.filter((each) => !isRouter(each)),
      1,
    ),
  )("$title, locked: $locks", async ({ locks, ...narrow }) => {
    const session = await openWith(narrow, locks);
    try {
      const address = printAddress(datagram(narrow.flow, 0).destination);
      expect(await session.lab.run(narrow.host, SEND(ROUTE_MTU, address))).toBe("sent");
      expect(await session.lab.run(narrow.host, SEND(ROUTE_MTU + 1, address))).toBe("Message too long");
    } finally {
      session.close();
    }
  });
});
