import { describe, expect, test } from "vitest";
import type { Diagnostic, Origin } from "../../../compiler/diagnostics.ts";
import { COLOURED, diagnosticToJson, PLAIN, printable, renderDiagnostic } from "../../../compiler/documents/render.ts";

function at(text: string, part: string, name = "web.yaml"): Origin {
  const start = text.indexOf(part);
  return { span: () => ({ source: { name, text }, start, end: start + part.length }) };
}

const TEXT = "ports:\n  - port: 70000\n";

const FINDING: Diagnostic = {
  severity: "error",
  code: "invalid-value",
  message: "expected a port from 1 to 65535",
  origin: at(TEXT, "70000"),
  notes: [{ message: "also here", origin: at(TEXT, "port:", "other.yaml") }],
};

describe("findings", () => {
  test("show the line, carets below what is meant, and other places", () => {
    expect(renderDiagnostic(FINDING, PLAIN)).toBe(
      [
        "web.yaml:2:11: error: expected a port from 1 to 65535 [invalid-value]",
        "    - port: 70000",
        "            ^^^^^",
        "  other.yaml:2:5: note: also here",
        "      - port: 70000",
        "        ^^^^^",
      ].join("\n"),
    );
  });

  test("have colours only when asked", () => {
    expect(renderDiagnostic(FINDING, PLAIN)).not.toContain("\u001b");
    expect(renderDiagnostic(FINDING, COLOURED)).toContain("\u001b[31merror\u001b[0m");
  });

  test("as data have file, line and column", () => {
    expect(diagnosticToJson(FINDING)).toEqual({
      code: "invalid-value",
      severity: "error",
      message: "expected a port from 1 to 65535",
      file: "web.yaml",
      line: 2,
      column: 11,
      notes: [{ message: "also here", file: "other.yaml", line: 2, column: 5 }],
    });
  });

  test("keep long lines short, with the place in view", () => {
    const text = `${"x".repeat(5000)}HERE${"y".repeat(5000)}`;
    const [, line = "", carets = ""] = renderDiagnostic(
      { ...FINDING, origin: at(text, "HERE"), notes: [] },
      PLAIN,
    ).split("\n");
    expect(line.length).toBeLessThan(130);
    expect(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("HERE");
  });

  test("leave nothing for a terminal to obey, wherever the text comes from", () => {
    const text = "name: \u001b[2Jx\u202e";
    const shown = renderDiagnostic(
      { ...FINDING, message: "bad \u001b]0;x\u0007", origin: at(text, "x", "a\u001b.yaml"), notes: [] },
      PLAIN,
    );
    expect(shown).toBe("a?.yaml:1:11: error: bad ?]0;x? [invalid-value]\n  name: ?[2Jx?\n            ^");
  });

  test("tabs are one column", () => {
    expect(printable("\ta")).toBe(" a");
  });
});
