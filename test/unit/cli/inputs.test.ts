import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const RULES = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j NOWHERE\nCOMMIT\n";

test("folders with links in circles, to nowhere, and twice to the same file: each file is read once", () => {
  inFolder({ "all/..1/a.yaml": SERVICE, "all/b/readme.txt": "" }, (folder) => {
    symlinkSync("..1", join(folder, "all/..data"));
    symlinkSync("..data/a.yaml", join(folder, "all/a.yaml"));
    symlinkSync("..", join(folder, "all/b/up"));
    symlinkSync("nowhere", join(folder, "all/dangling"));
    symlinkSync("circle", join(folder, "all/circle"));
    mkdirSync(join(folder, "empty"));
    const { code, stderr } = kpc(["compile", "-q", "-R", "all", "--node", "x"], { folder });
    expect([code, stderr]).toEqual([0, ""]);
    expect(kpc(["check", "all", "-o", "json"], { folder }).code).toBe(0);
    symlinkSync("nowhere", join(folder, "all/z.yaml"));
    expect(kpc(["check", "-R", "all"], { folder })).toMatchObject({
      code: 2,
      stderr: "kpc: cannot read all/z.yaml: there is no such file\n",
    });
    symlinkSync("self.yaml", join(folder, "self.yaml"));
    expect(kpc(["check", "self.yaml"], { folder }).stderr).toBe(
      "kpc: cannot read self.yaml: its links lead in a circle\n",
    );
  });
});

test("pipes, sockets and devices in a folder are refused: to read them may never end", () => {
  const makers: readonly ((path: string) => void)[] = [
    (path) => void spawnSync("mkfifo", [path]),
    (path) => symlinkSync("/dev/zero", path),
  ];
  for (const make of makers)
    inFolder({ "all/a.yaml": SERVICE }, (folder) => {
      make(join(folder, "all/b.yaml"));
      expect(kpc(["check", "all"], { folder })).toMatchObject({
        code: 2,
        stderr: "kpc: cannot read all/b.yaml: it is a pipe, a socket or a device, not a file\n",
      });
    });
});

test("standard input has one name, and is there for one", () => {
  inFolder({ "a.yaml": SERVICE, "kpc.yaml": "mode: nonesuch\n" }, (folder) => {
    const trace = ["trace", "tcp 10.0.0.1 > 10.0.0.2:80"];
    expect(kpc([...trace, "--rules", "-"], { input: RULES }).stderr).toContain(
      "<stdin>:3:1: error: NOWHERE is not a chain",
    );
    expect(kpc(["verify", "a.yaml", "--against", "-"], { folder, input: RULES }).stderr).toContain(
      "<stdin>:3:1: error: ",
    );
    expect(kpc(["compile", "a.yaml", "-c", "-"], { folder, input: "mode: nonesuch\n" }).stderr).toContain(
      "<stdin>:1:7: ",
    );
    for (const args of [
      ["verify", "-", "--against", "-"],
      ["verify", "a.yaml", "--against", "-,-"],
      ["compile", "-", "-f", "-"],
      ["compile", "-", "-c", "-"],
      [...trace, "-", "--rules", "-"],
    ]) {
      const { code, stdout, stderr } = kpc(args, { folder, input: SERVICE });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(
        "error: - stands for standard input, which can be read only once: put one of the two into a file",
      );
    }
  });
});

test("a pipe is read once, however often it is looked at", () => {
  inFolder({ "a.yaml": SERVICE, save: RULES.replace("NOWHERE", "ACCEPT") }, (folder) => {
    const script = new URL("../../../dist/bin/kpc.cjs", import.meta.url).pathname;
    const diff = (right: string): string =>
      spawnSync("bash", ["-c", `node ${script} diff save ${right}`], { cwd: folder, encoding: "utf8" }).stdout;
    expect(diff("<(cat save)")).toBe(diff("save"));
    expect(diff("save")).toContain("equal");
  });
});

test.each([[["list"]], [["whatis", "10.96.0.20:80"]]])("kpc %j without inputs names --live, too", (args) => {
  expect(kpc(args)).toMatchObject({
    code: 2,
    stderr:
      "kpc: no input: name files or folders, - for standard input, or --live for the tables in this machine's kernel\n",
  });
});
