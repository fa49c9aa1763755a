import { expect, test } from "vitest";
import { splitAddress, WORD0, WORD1, WORD2, WORD3, WORDS } from "../../../compiler/formats/tables/address-words.ts";
import { checksumOf } from "../../../compiler/formats/tables/bytes.ts";
import { decodeTable } from "../../../compiler/formats/tables/decode.ts";
import { encodeTable } from "../../../compiler/formats/tables/encode.ts";
import { Endpoints } from "../../../compiler/formats/tables/endpoints.ts";
import type { Ipv4 } from "../../../compiler/net/address.ts";
import type { PortRow, RowEndpoints } from "../../../compiler/tabulate/types.ts";
import { rowAt, tabulationOf } from "../../support/table-samples.ts";

test.each([
  ["names", ["a/web:http", "b/api", "c/web:9090"]],
  ["nothing", []],
  ["an empty one", [""]],
  ["one twice", ["a", "a", "b", "a"]],
  ["other letters", ["größe", "größe", "名", "a"]],
])("labels with %s are read back", (_, texts) => {
  const rows = texts.map((label, i) => rowAt(`10.96.0.${i}`, { label, behaviour: 0, stickySeconds: i }));
  const table = encodeTable(tabulationOf({ IPv4: { rows } }), "");
  const read = decodeTable(table).families.IPv4.rows.map(({ label, stickySeconds }) => [label, stickySeconds]);
  expect(read.sort()).toEqual(texts.map((label, i) => [label, i]).sort());
});

test("addresses are split whatever came before", () => {
  const addresses = [0n, 1n, 2n ** 128n - 1n, 2n ** 64n - 1n, 2n ** 64n, 0x20010db8_00000001_00000002_80000003n];
  for (const before of addresses) {
    for (const address of addresses) {
      splitAddress(before);
      splitAddress(address);
      const words = [WORD0, WORD1, WORD2, WORD3].map((at) => BigInt(WORDS[at] as number));
      expect(words.reduce((sum, word) => (sum << 32n) | word, 0n)).toBe(address);
    }
  }
});

test("sums of the same bytes are the same wherever they are", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 37);
  const elsewhere = new Uint8Array(67);
  elsewhere.set(bytes, 3);
  expect(checksumOf(elsewhere.subarray(3), 16)).toBe(checksumOf(bytes, 16));
});

function list(first: number, count: number, identity = 0): RowEndpoints {
  return Array.from({ length: count }, (_, i) => ({
    address: (first + i) as Ipv4,
    port: 80,
    identity,
    endpointTreatment: undefined,
  }));
}

function row(lists: readonly RowEndpoints[], stickySeconds?: number): PortRow {
  return { protocol: 6, port: 80, behaviour: 0, lists, allowed: undefined, stickySeconds, label: "" };
}

test("lists share their places, pairs and those with session affinity come first", () => {
  const [plain, first, second, sticky] = [list(1, 3), list(10, 2), list(20, 2), list(30, 4, 7)];
  const rows = [row([plain]), row([first, second]), row([]), row([second]), row([sticky], 60), row([plain])];
  const endpoints = new Endpoints(rows);
  expect([...endpoints.bases]).toEqual([8, 4, 0, 6, 0, 8]);
  expect(endpoints.count).toBe(11);
  expect([...endpoints.identities]).toEqual([7, 7, 7, 7]);
  const records = new Uint32Array(22);
  endpoints.write4(records, new Uint8Array(11));
  expect([...records].filter((_, i) => i % 2 === 0).map((word) => word >>> 24)).toEqual([
    30, 31, 32, 33, 10, 11, 20, 21, 1, 2, 3,
  ]);
});
