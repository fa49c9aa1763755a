/** Chains whose rules stand line by line between those of others: what the text says does not depend on which shape was expected. */
import { expect, test, vi } from "vitest";
import { readIptables } from "../../../compiler/formats/iptables/read.ts";
import { ShapeBook } from "../../../compiler/formats/shapes/book.ts";
import { iptablesReadings } from "../../support/both-readings.ts";

const SERVICES = 12;
const ENDPOINTS = 5;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** As kube-proxy writes them: each line of a Service before those of the endpoint that it leads to. */
const service = (s: number): string =>
  numbers(ENDPOINTS)
    .map(
      (e) => `-A SVC-${s} -m statistic --mode random --probability 0.${ENDPOINTS - e}0000000000 -j SEP-${s}-${e}
-A SEP-${s}-${e} -s 10.${s}.0.${e}/32 -j MARK
-A SEP-${s}-${e} -p tcp -m tcp -j DNAT --to-destination 10.${s}.0.${e}:8080`,
    )
    .join("\n");

const section = (middle: string): string => `*nat
:PREROUTING ACCEPT [0:0]
:MARK-MASQ - [0:0]
${numbers(SERVICES)
  .flatMap((s) => [`:SVC-${s} - [0:0]`, ...numbers(ENDPOINTS).map((e) => `:SEP-${s}-${e} - [0:0]`)])
  .join("\n")}
-A MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
${numbers(SERVICES)
  .map((s) => `-A PREROUTING -d 10.96.0.${s}/32 -p tcp -m tcp --dport 80 -j SVC-${s}`)
  .join("\n")}
${numbers(SERVICES - 1)
  .map(service)
  .join("\n")
  .replaceAll("-j MARK\n", "-j MARK-MASQ\n")}
${middle}
${service(SERVICES - 1).replaceAll("-j MARK\n", "-j MARK-MASQ\n")}
COMMIT
`;

test.each([
  ["nothing else", ""],
  [
    "a chain that is emptied, and filled again",
    `:SVC-3 - [0:0]\n${service(3).replaceAll("-j MARK\n", "-j MARK-MASQ\n")}`,
  ],
  [
    "one that is deleted, and made again",
    `-F SVC-3\n-X SVC-3\n-N SVC-3\n-A SVC-3 -j SEP-3-1\n-A SEP-3-1 -s 10.9.9.9/32 -j MARK-MASQ`,
  ],
  [
    "one that is deleted, and named",
    `-F SEP-10-4\n-X SEP-10-4\n-A SVC-3 -j SEP-10-4\n-A SEP-10-4 -s 10.9.9.9/32 -j MARK-MASQ`,
  ],
  [
    "another table, and this one again",
    `COMMIT\n*filter\n:SVC-3 - [0:0]\n-A SVC-3 -j DROP\n-A FORWARD -j SVC-3\nCOMMIT\n*nat`,
  ],
])("%s", (_, middle) => {
  const { shapes, grammar } = iptablesReadings(section(middle));
  expect(shapes).toBe(grammar);
});

test("most lines have the shape that is tried first", () => {
  const fits = vi.spyOn(ShapeBook.prototype as unknown as { fits: () => boolean }, "fits");
  const text = section("");
  readIptables({ name: "save", text }, () => undefined);
  const lines = text.split("\n").filter((line) => line.startsWith("-A S")).length;
  const calls = fits.mock.calls.length;
  vi.restoreAllMocks();
  expect(calls).toBeLessThan(1.7 * lines);
});
