/** The machine code that V8 makes of a WebAssembly module: its loops, and what they keep in the stack. */
import { spawnSync } from "node:child_process";

export interface MachineLoop {
  /** Instructions of vectors. */
  readonly vectors: number;
  /** Registers that are stored into the stack: spills. */
  readonly stores: number;
}

/** Loops without calls. A text says why there are none: where Node has no disassembler, or processor or compiler are others than those that
 *  the numbers of tests are of. */
export function machineLoopsOf(module: string): readonly MachineLoop[] | string {
  if (process.arch !== "x64") return `the processor is no x64: ${process.arch}`;
  const { v8 } = process.versions;
  if (!v8.startsWith("11.")) return `the compiler is not that of V8 11: ${v8}`;
  const script = `new WebAssembly.Instance(new WebAssembly.Module(require("node:fs").readFileSync(${JSON.stringify(module)})))`;
  // All functions are compiled at once, by the compiler that code ends up with.
  const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--print-wasm-code"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, "-e", script], {
    encoding: "utf8",
    maxBuffer: 2 ** 27,
  });
  if (status !== 0) return `node does not take ${flags.join(" ")}: ${stderr.slice(0, 200)}`;
  const functions = stdout.split("--- WebAssembly code ---").slice(1);
  if (functions.length === 0) return "this Node.js prints no machine code";
  return functions.flatMap((text) => loopsIn(instructionsIn(text)));
}

interface Instruction {
  readonly at: number;
  readonly text: string;
}

function instructionsIn(text: string): Instruction[] {
  return [...text.matchAll(/^0x[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+(.*)$/gm)].map(([, at = "", rest = ""]) => ({
    at: Number.parseInt(at, 16),
    text: rest.replace(/^REX\.W /, "").trim(),
  }));
}

function loopsIn(instructions: readonly Instruction[]): MachineLoop[] {
  const loops = instructions.flatMap(({ at, text }) => {
    const to = /^j\w+ .*<\+0x([0-9a-f]+)>/.exec(text)?.[1];
    const from = to === undefined ? at : Number.parseInt(to, 16);
    return from < at ? [{ from, at }] : [];
  });
  return loops.flatMap((loop) => {
    const body = instructions.filter(({ at }) => at >= loop.from && at <= loop.at).map(({ text }) => text);
    if (body.some((text) => text.startsWith("call"))) return [];
    return [
      {
        vectors: body.filter((text) => /^v[a-z]/.test(text)).length,
        stores: body.filter((text) => /^v?mov\w*\s+\[r(?:bp|sp)/.test(text)).length,
      },
    ];
  });
}
