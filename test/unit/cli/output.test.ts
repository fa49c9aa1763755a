import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CliResult, inFolder, kpc, SERVICE } from "../../support/cli.ts";
import { some } from "../../support/runs.ts";

const KPC = new URL("../../../dist/bin/kpc.cjs", import.meta.url).pathname;

/** Runs a line of sh in `folder`, in which `kpc` is the built one. */
function sh(line: string, folder: string): CliResult {
  const script = `kpc() { "$NODE" "$KPC" "$@"; }\n${line}`;
  const env = { ...process.env, KPC, NODE: process.execPath };
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8", env });
  return { code: status, stdout, stderr };
}

const CASE = `name: example
proxy: {nodeName: node-x}
files: [a.yaml]
flows:
  - {name: nobody, protocol: tcp, origin: pod, from: 10.244.1.9, to: 10.96.0.10, port: 80, expect: {verdict: reject}}
`;

const FILES = { "a.yaml": SERVICE, "case.yaml": CASE, "bad.yaml": SERVICE.replace("port: 80", "port: 0") };

/** As npx: a program of Node.js that leaves its standard output to kpc. */
const NPX = `const { spawnSync } = require("node:child_process");
const args = ["-c", '"$NODE" "$KPC" compile a.yaml -q; exit $?'];
process.exit(spawnSync("sh", args, { stdio: "inherit" }).status);
`;

const NO_DEV_FULL = existsSync("/dev/full") ? undefined : "there is no /dev/full";
const NO_UNSHARE =
  spawnSync("unshare", ["--map-root-user", "--mount", "true"]).status === 0 ? undefined : "unshare -rm is refused";
const NO_PROC = existsSync("/proc/self/fdinfo") ? undefined : "there is no /proc";
for (const reason of [NO_DEV_FULL, NO_PROC, NO_UNSHARE]) if (reason !== undefined) console.log(`skipped: ${reason}`);

describe("standard output that cannot be written is one line and exit code 2", () => {
  const cases = [
    "compile a.yaml",
    "compile a.yaml -q -o wasm",
    "compile bad.yaml -o json", // would be exit code 1
    "check a.yaml -o json",
    "trace 'tcp 10.244.1.9 > 10.96.0.10:80' a.yaml -q",
    "test case.yaml -o junit",
    "diff a.yaml a.yaml",
    "compile --help",
  ];

  test.skipIf(NO_DEV_FULL !== undefined).each(some(cases, 3))("a full disk: kpc %s", (args) => {
    inFolder(FILES, (folder) => {
      const { code, stderr } = sh(`kpc ${args} > /dev/full`, folder);
      expect(code).toBe(2);
      expect(stderr.match(/^kpc: .*$/gm)).toEqual(["kpc: cannot write to standard output: no space left on device"]);
      expect(stderr).not.toMatch(/^\s+at |node:/m);
    });
  });

  test.each(some(["compile a.yaml -q", "--help"], 1))("a descriptor that is open for reading: kpc %s", (args) => {
    inFolder(FILES, (folder) => {
      const { code, stderr } = sh(`kpc ${args} 1< a.yaml`, folder);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^kpc: cannot write to standard output: it is not open for writing$/m);
      expect(stderr).not.toMatch(/^\s+at |node:/m);
    });
  });

  test
    .skipIf(NO_PROC !== undefined)
    .each(some(["compile bad.yaml -o json", "test case.yaml -o junit", "--version"], 1))(
    "a descriptor that is closed: kpc %s",
    (args) => {
      inFolder(FILES, (folder) => {
        const { code, stderr } = sh(`kpc ${args} >&-`, folder);
        expect(code).toBe(2);
        expect(stderr.match(/^kpc: .*$/gm)).toEqual([
          "kpc: cannot write to standard output: it is not open for writing",
        ]);
      });
    },
  );

  test.skipIf(NO_PROC !== undefined)("a descriptor that is closed: of a script, of npx, of bash that gives way", () => {
    inFolder({ ...FILES, "npx.cjs": NPX }, (folder) => {
      const message = "kpc: cannot write to standard output: it is not open for writing\n";
      const lines = [
        "exec >&-; kpc compile a.yaml -q",
        "{ kpc compile a.yaml -q; } >&-",
        '"$NODE" npx.cjs >&-; exit $?',
        `bash -c '"$KPC" compile a.yaml -q >&-'`,
      ];
      for (const line of some(lines, 2))
        expect([line, sh(line, folder)]).toEqual([line, { code: 2, stdout: "", stderr: message }]);
    });
  });

  test.skipIf(NO_UNSHARE !== undefined)("a disk that is full after the first 4 kB: nothing is lost in silence", () => {
    inFolder({ ...FILES, "disk/.keep": "" }, (folder) => {
      const line = "mount -t tmpfs -o size=4k none disk && exec $NODE $KPC compile a.yaml -q -o ir > disk/out";
      const { code, stderr } = sh(`export NODE KPC; unshare -rm sh -c '${line}'`, folder);
      expect([code, stderr]).toEqual([2, "kpc: cannot write to standard output: no space left on device\n"]);
    });
  });
});

describe("output that is thrown away on purpose is no failure", () => {
  test("by a shell", () => {
    inFolder(FILES, (folder) => {
      const lines = [
        "kpc compile a.yaml -q > /dev/null",
        "exec > /dev/null; kpc compile a.yaml -q",
        `bash -c '"$KPC" compile a.yaml -q > /dev/null'`,
      ];
      for (const line of some(lines, 1))
        expect([line, sh(line, folder)]).toEqual([line, { code: 0, stdout: "", stderr: "" }]);
    });
  });

  test("by a program that opens the null device for reading and writing, as Node.js does", () => {
    inFolder({ ...FILES, "s.sh": 'kpc() { "$NODE" "$KPC" "$@"; }\nkpc compile a.yaml -q; exit $?' }, (folder) => {
      const env = { ...process.env, KPC, NODE: process.execPath };
      const started = [
        [KPC, ["compile", "a.yaml", "-q"]],
        ["sh", ["-c", 'exec "$KPC" compile a.yaml -q']],
        ["sh", ["s.sh"]],
      ] as const;
      for (const [program, args] of some(started, 2)) {
        const { status, stderr } = spawnSync(program, args, {
          cwd: folder,
          encoding: "utf8",
          env,
          stdio: ["ignore", "ignore", "pipe"],
        });
        expect([args, status, stderr]).toEqual([args, 0, ""]);
      }
    });
  });

  test("with nothing to print", () => {
    inFolder(FILES, (folder) => {
      expect(sh("kpc check a.yaml -q >&-", folder)).toEqual({ code: 0, stdout: "", stderr: "0 errors, 0 warnings\n" });
    });
  });
});

test("a reader that has seen enough is no failure: the exit code is the command's own", () => {
  inFolder(FILES, (folder) => {
    for (const [args, code] of [
      ["compile a.yaml -q", 0],
      ["check bad.yaml -q", 1],
    ] as const) {
      const line = `{ kpc ${args} 2> err; echo $? > code; } | true; cat code err`;
      const { stdout } = sh(line, folder);
      expect(stdout.split("\n")[0]).toBe(String(code));
      expect(stdout).not.toMatch(/EPIPE|^\s+at /m);
    }
  });
});

describe("standard error that cannot be written", () => {
  test.skipIf(NO_DEV_FULL !== undefined).each(some(["compile a.yaml", "compile --nosuch"], 1))(
    "is exit code 2: kpc %s",
    (args) => {
      inFolder(FILES, (folder) => {
        expect(sh(`kpc ${args} 2> /dev/full`, folder).code).toBe(2);
      });
    },
  );

  test("is not missed where there is nothing to say on it", () => {
    inFolder(FILES, (folder) => {
      const { code, stdout } = sh("kpc compile a.yaml -q 2> /dev/full", folder);
      expect([code, stdout.length > 0]).toEqual([0, true]);
    });
  });
});

// One other character makes two bytes of each in the memory of whoever reads a million lines.
test.each(["nft", "iptables", "ip6tables"])("%s rules of plain names are ASCII", (format) => {
  const { code, stdout } = inFolder(FILES, (folder) => kpc(["compile", "a.yaml", "-q", "-o", format], { folder }));
  expect({ code, others: stdout.match(/[^\t\n -~]/g) }).toEqual({ code: 0, others: null });
});
