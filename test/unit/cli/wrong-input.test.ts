import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";
import { many } from "../../support/runs.ts";

/** A Service with this `spec` on line 4 and this `metadata` on line 3. */
function service(spec: string, metadata = "{name: api, namespace: shop}"): string {
  return `apiVersion: v1\nkind: Service\nmetadata: ${metadata}\nspec: ${spec}\n`;
}

const GOOD = service("{clusterIP: 10.0.0.1, ports: [{port: 80}]}");
const PORT_LINE = (port: string): string => service(`{clusterIP: 10.0.0.1, ports: [{port: ${port}}]}`);

/** Nine lists, each with the one before nine times: 3 GB of values. */
const BOMB = Array.from({ length: 10 }, (_, index) =>
  index === 0
    ? "l0: &l0 [x, x, x, x, x, x, x, x, x]\n"
    : `l${index}: &l${index} [${Array(9).fill(`*l${index - 1}`)}]\n`,
).join("");

const INJECTION = String.raw`x\"\n}\nflush ruleset\n-A INPUT -j DROP\n#`;

/** What is wrong, the input, and how each line about it begins. */
const CASES: readonly (readonly [string, string | Buffer, readonly string[]])[] = [
  ["broken YAML", "kind: Service\nmetadata: {name: a\nspec: 1\n", ["3:1: error: Flow map in block collection must be"]],
  ["broken JSON", '{"kind": "Service", "metadata": {"name": }', ["1:43: error: Flow map must end with a }"]],
  ["tabs", "kind: Service\nmetadata:\n\tname: a\n", ["3:1: error: Tabs are not allowed as indentation"]],
  ["an array for a spec", service("[1, 2]"), ["4:7: error: spec: Invalid value: expected object, found array"]],
  [
    "a number for a string, an object for an array",
    service("{clusterIP: 1, ports: {a: 1}}"),
    [
      "4:19: error: spec.clusterIP: Invalid value: expected string, found number 1",
      "4:29: error: spec.ports: Invalid value: expected array, found object",
    ],
  ],
  [
    "a string for a number",
    PORT_LINE('"80"'),
    ['4:44: error: spec.ports[0].port: Invalid value: expected integer, found string "80"'],
  ],
  ["no object at all", "hello\n", ["1:1: error: expected a Kubernetes object with apiVersion and kind"]],
  ["no kind", "a: 1\n", ["1:1: error: apiVersion: Required value", "1:1: error: kind: Required value"]],
  [
    "a misspelt kind",
    GOOD.replace("Service", "Servce"),
    ['2:7: error: unknown kind "Servce", did you mean "Service"?'],
  ],
  [
    "only kinds that are not ours",
    "apiVersion: coordination.k8s.io/v1\nkind: Lease\n",
    [" error: nothing to compile", "1:1: note: the first coordination.k8s.io/v1/Lease"],
  ],
  [
    "only workloads",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
    [
      " error: nothing to compile: expected Services and EndpointSlices, found only workloads",
      "1:1: note: the first Deployment",
    ],
  ],
  ["an empty file", "", ["1:1: warning: expected Kubernetes objects, found no document", " error: nothing to compile"]],
  ["only a comment", "# later\n", ["1:1: warning: expected Kubernetes objects", " error: nothing to compile"]],
  ["binary", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]), ["1:5: error: expected YAML or JSON text, found"]],
  [
    "UTF-16",
    Buffer.from(`\ufeff${GOOD}`, "utf16le"),
    ["1:1: error: expected YAML or JSON text, found character U+FFFD"],
  ],
  [
    "broken UTF-8",
    Buffer.concat([Buffer.from("kind: Service\nname: "), Buffer.from([0xff])]),
    ["2:7: error: expected YAML or JSON text, found character U+FFFD, which stands for bytes that are not UTF-8"],
  ],
  [
    "a key twice in YAML",
    service("{clusterIP: 10.0.0.1, clusterIP: 10.0.0.2, ports: [{port: 80}]}"),
    ['4:29: error: key "clusterIP" already set in map', "4:8: note: first set here"],
  ],
  [
    "a key twice in JSON",
    '{"apiVersion": "v1", "kind": "Service",\n "kind": "Service"}',
    ['2:2: error: key "kind" already set in map', "1:22: note: first set here"],
  ],
  ["aliases within aliases", BOMB, ["7:10: error: aliases stand for more than 1000000 values"]],
  ["an anchor within itself", "&a\nkind: *a\n", ['2:7: error: alias "*a" has no anchor before it']],
  ["NUL", GOOD.replace("api,", "a\0pi,"), ["3:19: error: expected YAML or JSON text, found character U+0000"]],
  [
    "an escaped NUL in a name",
    service("{clusterIP: 10.0.0.1, ports: [{port: 80}]}", '{name: "a\\0b"}'),
    ['3:18: error: metadata.name: Invalid value: "a\\u0000b": a lowercase RFC 1123 label must consist of'],
  ],
  [
    "rules in names",
    service(`{clusterIP: 10.0.0.1, ports: [{port: 80, name: "${INJECTION}"}]}`, `{name: "${INJECTION}"}`),
    ["3:18: error: metadata.name: Invalid value: ", "4:54: error: spec.ports[0].name: Invalid value: "],
  ],
  [
    "rules in addresses",
    service(`{clusterIP: "10.0.0.1${INJECTION}", ports: [{port: 80}]}`),
    ["4:19: error: spec.clusterIP: Invalid value: "],
  ],
  [
    "a number too large",
    PORT_LINE("99999999999999999999999999999"),
    ["4:44: error: spec.ports[0].port: Invalid value: 1e+29: must be between 1 and 65535, inclusive"],
  ],
  ["an endless number", PORT_LINE("1e999"), ["4:44: error: spec.ports[0].port: Invalid value: expected integer"]],
  ["a fraction", PORT_LINE("80.5"), ["4:44: error: spec.ports[0].port: Invalid value: expected integer, found"]],
  ["port -1", PORT_LINE("-1"), ["4:44: error: spec.ports[0].port: Invalid value: -1: must be between 1 and 65535"]],
  ["port 0", PORT_LINE("0"), ["4:44: error: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535"]],
  [
    "the same object twice",
    `${GOOD}---\n${GOOD}`,
    ["8:18: error: Service shop/api is in the input twice", "3:18: note: first defined here"],
  ],
  [
    "flow lists within lists",
    `a: ${"[".repeat(many(100_000))}${"]".repeat(many(100_000))}\n`,
    ["1:1: error: maps and lists are"],
  ],
  [
    "JSON lists within lists",
    `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},\n"spec": ${"[".repeat(many(100_000))}${"]".repeat(many(100_000))}}`,
    ["2:9: error: spec: Invalid value: expected object, found array"],
  ],
];

describe.each(["file", "standard input"])("compile reads from %s", (from) => {
  test.each(CASES)("%s", (_, input, wanted) => {
    inFolder({ "bad.yaml": input }, (folder) => {
      const fromFile = from === "file";
      const args = ["compile", "--node", "node-a", fromFile ? "bad.yaml" : "-"];
      const { code, stdout, stderr } = kpc(args, { folder, ...(fromFile ? {} : { input }) });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      const place = fromFile ? "bad.yaml:" : "<stdin>:";
      const lines = stderr.split("\n").map((line) => line.trim());
      for (const start of wanted) {
        const line = start.startsWith(" ") ? start.trim() : `${place}${start}`;
        expect(
          lines.some((candidate) => candidate.startsWith(line)),
          `${line}\nin:\n${stderr}`,
        ).toBe(true);
      }
      // every finding is one of those above or repeats one; none is of our own making
      expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
      expect(stderr).not.toMatch(/TypeError|RangeError|SyntaxError|JavaScript heap|this is a bug/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal must not get the input's
      expect(stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
      expect(readdirSync(folder)).toEqual(["bad.yaml"]);
    });
  });
});

/** What is warned of, the input, how the warning begins, and the input with the same rules. */
const READ_ALL_THE_SAME: readonly (readonly [string, string, string, string])[] = [
  [
    "an address with leading zeros is decimal",
    GOOD.replace("10.0.0.1", "010.0.0.1"),
    '4:19: warning: spec.clusterIP: non-standard IP address "010.0.0.1"',
    GOOD,
  ],
  [
    "an IPv4-mapped address is the IPv4 address",
    GOOD.replace("10.0.0.1", '"::ffff:10.0.0.1"'),
    '4:19: warning: spec.clusterIP: non-standard IP address "::ffff:10.0.0.1"',
    GOOD,
  ],
  ...["10.1.0.9/8", '"::ffff:10.1.0.9/104"'].map((range): readonly [string, string, string, string] => {
    const ranged = (text: string): string =>
      service(`{type: LoadBalancer, clusterIP: 10.0.0.1, loadBalancerSourceRanges: [${text}], ports: [{port: 80}]}`) +
      "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    const start = `4:76: warning: spec.loadBalancerSourceRanges[0]: CIDR value "${range.replaceAll('"', "")}" is ambiguous`;
    return [`host bits of ${range} are masked away`, ranged(range), start, ranged("10.0.0.0/8")];
  }),
  [
    "a key that reaches for a prototype in YAML",
    service("{clusterIP: 10.0.0.1, ports: [{port: 80}], __proto__: {type: NodePort}}"),
    '4:50: warning: unknown field "spec.__proto__"',
    GOOD,
  ],
  [
    "keys that reach for prototypes in JSON",
    '{"__proto__": {"kind": "Service"}, "apiVersion": "v1", "kind": "Service",\n"metadata": {"name": "api", "namespace": "shop", "constructor": {"prototype": 1}},\n"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}}',
    '2:50: warning: unknown field "metadata.constructor"',
    GOOD,
  ],
];

test.each(READ_ALL_THE_SAME)("with a warning: %s", (_, input, warning, same) => {
  const rulesOf = (text: string): ReturnType<typeof kpc> => kpc(["compile", "--node", "node-a", "-"], { input: text });
  const { code, stdout, stderr } = rulesOf(input);
  expect(stdout).toContain("10.0.0.1");
  expect([code, stdout]).toEqual([0, rulesOf(same).stdout]);
  expect(stderr).toContain(`<stdin>:${warning}`);
});

test("a wrong object among good ones: no rules, and every finding", () => {
  inFolder(
    { "a/1.yaml": GOOD, "a/2.yaml": PORT_LINE("0").replace("name: api", "name: web"), "a/3.json": "{" },
    (folder) => {
      const { code, stdout, stderr } = kpc(["compile", "a"], { folder });
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("a/2.yaml:4:44: error: ");
      expect(stderr).toMatch(/^a\/3\.json:1:2: error: /m);
    },
  );
});

test("an empty List is a cluster without Services, and no mistake", () => {
  for (const input of [
    '{"apiVersion": "v1", "kind": "List", "items": []}',
    "apiVersion: v1\nkind: List\nitems: []\n",
  ]) {
    const { code, stdout, stderr } = kpc(["compile", "-q", "--node", "node-a", "-"], { input });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("table ip kpc");
  }
});
