import { describe, expect, test } from "vitest";
import { type Diagnostic, printPlace } from "../../../compiler/diagnostics.ts";
import { parseTraceText } from "../../../compiler/trace/parse.ts";

function parse(text: string): { readonly asked: ReturnType<typeof parseTraceText>; readonly findings: string[] } {
  const findings: string[] = [];
  const report = ({ message, origin }: Diagnostic): void => {
    const place = origin === undefined ? "" : printPlace(origin.span()).replace("packet:1:", "");
    findings.push(`${place}: ${message.replace(/; a request looks like.*/, "")}`);
  };
  return { asked: parseTraceText({ name: "packet", text }, report), findings };
}

describe("requests", () => {
  test.each<[text: string, want: readonly unknown[]]>([
    ["GET https://a.example/api/x?y=/#z", ["GET", undefined, "https", "a.example", 443, "/api/x?y=/", undefined]],
    ["internet > GET http://a.example", ["GET", "internet", "http", "a.example", 80, "/", undefined]],
    ["pod/shop/web-1 > POST http://a:8080/b", ["POST", "pod/shop/web-1", "http", "a", 8080, "/b", undefined]],
    ["https://10.0.0.1/ Host: a.example", ["GET", undefined, "https", "10.0.0.1", 443, "/", "a.example"]],
    ["GET http://[fd00::1]:81/a host: b.example:82", ["GET", undefined, "http", "fd00::1", 81, "/a", "b.example:82"]],
    ["GET http://10.0.0.1/ Host: [fd00::2]:80", ["GET", undefined, "http", "10.0.0.1", 80, "/", "[fd00::2]:80"]],
    ["HEAD a.example/%20?q=>", ["HEAD", undefined, "http", "a.example", 80, "/%20?q=>", undefined]],
    ["[fd00::9] > GET HTTP://A.example/", ["GET", "fd00::9", "http", "A.example", 80, "/", undefined]],
  ])("%s", (text, want) => {
    const { asked, findings } = parse(text);
    expect(findings).toEqual([]);
    const { method, from, url, host } = asked?.request ?? expect.unreachable();
    expect([method, from?.name, url.scheme, url.name, url.port, url.request.target, host]).toEqual(want);
  });

  test("a packet stays one", () => {
    const { asked, findings } = parse("tcp GET > svc/shop/http:80");
    expect(findings).toEqual([]);
    expect(asked?.packet?.from.name).toBe("GET");
  });
});

describe("an error points at the character", () => {
  test.each([
    [
      '1: expected a method of HTTP (DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE), found "get"',
      "get http://a/",
    ],
    ['5: expected ">", found "web-1"', "tcp web-1 > http://a/"],
    [
      '9: expected a method of HTTP (DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE), found "tcp"',
      "web-1 > tcp http://a/",
    ],
    ['1: unexpected ">"', "> GET http://a/"],
    ['15: expected "Host:" or the end, found "b"', "GET http://a/ b"],
    ['15: expected "Host:" or the end, found "Cookie"', "GET http://a/ Cookie: b"],
    ['20: expected ":", found "b"', "GET http://a/ Host b"],
    ['25: unexpected "c"', "GET http://a/ Host: b:8 c"],
    ["5: expected http or https, not ftp", "GET ftp://a/"],
    ["5: expected a host, such as http://shop.example.com/api", "GET http:///a"],
    ["5: expected a host without user and password: a", "GET http://me@a/"],
    ["5: expected a port from 1 to 65535, found 65536", "GET http://a:65536/"],
    ['5: no request has "é" in its path: write it as %C3%A9', "GET http://a/é"],
  ])("%s", (want, text) => {
    const { asked, findings } = parse(text);
    expect(asked).toBeUndefined();
    expect(findings).toEqual([want]);
  });

  test("what a request looks like is said once", () => {
    const findings: string[] = [];
    parseTraceText({ name: "packet", text: "get http://a/" }, ({ message }) => void findings.push(message));
    expect(findings[0]).toMatch(/; a request looks like GET https:/);
  });
});
