/** A real HAProxy with settings of kpc: what they do to requests. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isUnsafePath } from "../../compiler/evaluate/path-safety.ts";
import { type HaproxyOptions, printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { required } from "../../compiler/invariant.ts";
import type { HostRoutes, RouteTarget, TlsTable } from "../../compiler/ir/routes.ts";
import { parseAddress } from "../../compiler/net/address.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type HaproxyRequest, HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";

const WEB: RouteTarget = {
  kind: "endpoints",
  backend: "shop/web:80",
  endpoints: [{ address: required(parseAddress("10.1.0.7"), "an address"), port: 8080 }],
};
const NONE: RouteTarget = { kind: "status", status: 404, reason: "none" };
const hosts = (...names: string[]): HostRoutes[] => [
  ...names.map((host) => ({ host, paths: [{ match: "prefix", path: "/", target: WEB } as const], fallback: NONE })),
  { paths: [], fallback: NONE },
];
const made = makeCertificate({ names: ["a.test"] });
const TLS: TlsTable = {
  certificates: [{ name: "t/a", names: ["a.test"], notBefore: 0, notAfter: 0 }],
  hosts: [{ host: "a.test", certificate: "t/a" }],
};

describe.skipIf(haproxyMissing !== undefined)("settings of HAProxy", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  async function ask(routes: readonly HostRoutes[], options: HaproxyOptions, requests: readonly HaproxyRequest[]) {
    const { files, certificates } = printHaproxy(routes, options);
    const pems = [...certificates.keys()].map((file): [string, string] => [file, `${made.certificate}${made.key}`]);
    const result = await haproxy.ask(new Map([...files, ...pems]), requests);
    // The namespace has no way to the name servers of this machine.
    const ofNames = /can't connect socket for nameserver|could not resolve address/;
    expect(result.said.filter((line) => !ofNames.test(line))).toEqual([]);
    return result;
  }

  test("takes heads of 14 kB, and answers 400 to those that do not fit its buffer", async () => {
    const head = (bytes: number, more: string): string =>
      `GET /${"a".repeat(bytes)} HTTP/1.0\r\nHost: a.test\r\n${more}\r\n`;
    const fields = (count: number): string =>
      Array.from({ length: count }, (_, i) => `X-${i}: ${"v".repeat(100)}\r\n`).join("");
    const raws = [
      head(14_000, ""),
      head(4000, fields(90)),
      head(15_400, ""),
      head(5000, fields(95)),
      head(1, fields(120)),
    ];
    const { answers } = await ask(
      hosts("a.test"),
      {},
      raws.map((raw) => ({ host: undefined, target: "/", raw })),
    );
    expect(answers.map(({ text }) => /^HTTP\/1\.[01] (\d+)/.exec(text ?? "")?.[1])).toEqual([
      "200",
      "200",
      "400",
      "400",
      "400",
    ]);
  });

  const ELEMENT = fc.oneof(
    fc.constantFrom(
      "a",
      ".",
      "..",
      "...",
      "%2e",
      "%2E.",
      ".%2e",
      "..;x",
      ".;",
      "%2f",
      "a%2Fb",
      "",
      "a.",
      ".a",
      "%252e",
      ";",
      "a;..",
    ),
    fc.stringMatching(/^[.%2eEfF;/a]{0,5}$/),
  );
  const PATHS = fc.array(ELEMENT, { minLength: 1, maxLength: 4 }).map((elements) => `/${elements.join("/")}`);

  test("--path-safety reject answers 400 to paths that servers understand in different ways, and to no others", async () => {
    const paths = [...new Set(fc.sample(PATHS, { seed: 1, numRuns: 500 }))];
    const requests = paths
      .flatMap((path) => [path, `${path}?x=/../%2f//`])
      .map((target) => ({ host: "a.test", target }));
    const { answers } = await ask(hosts("a.test"), { settings: { pathSafety: "reject" } }, requests);
    const statusOf = (path: string): number => (isUnsafePath(path) ? 400 : 200);
    expect(requests.map(({ target }, i) => [target, answers[i]?.status])).toEqual(
      requests.map(({ target }) => [target, statusOf(target.split("?")[0] ?? "")]),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });

  test("redirects hosts that have a certificate, when all or the host alone asks for it", async () => {
    const requests = ["a.test", "b.test", "A.test.:80"].map((host) => ({ host, target: "/x?y" }));
    const redirected = { status: 308, location: "https://a.test/x?y" };
    const wanted = [redirected, { status: 200 }, redirected];
    const all = await ask(hosts("a.test", "b.test"), { tls: TLS, settings: { httpsRedirect: true } }, [
      ...requests,
      { host: "a.test", target: "/x", sni: "a.test" },
    ]);
    expect(all.answers).toMatchObject([...wanted, { status: 200 }]);
    const [first, ...others] = hosts("a.test", "b.test");
    const one = await ask([{ ...required(first, "a host"), httpsRedirect: true }, ...others], { tls: TLS }, requests);
    expect(one.answers).toMatchObject(wanted);
  });

  test("offers HTTP/2 only when asked", async () => {
    const asked = [{ host: "a.test", target: "*", sni: "a.test" }];
    const [without] = (await ask(hosts("a.test"), { tls: TLS }, asked)).answers;
    const [offered] = (await ask(hosts("a.test"), { tls: TLS, settings: { http2: true } }, asked)).answers;
    expect([without?.protocol, offered?.protocol]).toEqual(["false", "h2"]);
  });

  test("takes the client from the PROXY protocol, logs requests, and tells Prometheus", async () => {
    const settings = {
      proxyProtocol: true,
      accessLog: true,
      metrics: "127.0.0.1:8404",
      timeouts: { client: "7s", tunnel: "1h" },
    };
    const get = "GET /p HTTP/1.0\r\nHost: a.test\r\n\r\n";
    const { answers, printed } = await ask(hosts("a.test"), { settings }, [
      { host: undefined, target: "/", raw: `PROXY TCP4 203.0.113.9 192.0.2.1 40000 80\r\n${get}` },
      { host: undefined, target: "/", raw: get },
      { host: undefined, target: "/", raw: "GET /metrics HTTP/1.0\r\n\r\n", port: 8404 },
      { host: undefined, target: "/", raw: "GET / HTTP/1.0\r\n\r\n", port: 8404 },
    ]);
    expect(answers).toMatchObject([
      { status: 200, client: "203.0.113.9" },
      { text: "" },
      {
        status: 200,
        text: expect.stringContaining('haproxy_server_status{proxy="shop.web.80",server="10-1-0-7-8080"'),
      },
      { status: 404 },
    ]);
    expect(printed).toMatch(/203\.0\.113\.9:40000 .* http shop\.web\.80\/10-1-0-7-8080 .*"GET \/p HTTP\/1\.0"/);
  });

  const at = (text: string) => ({ address: required(parseAddress(text), "an address"), port: 8080 });
  const rooted = (target: RouteTarget): HostRoutes[] => [
    { host: "a.test", paths: [{ match: "prefix", path: "/", target }], fallback: NONE },
    { paths: [], fallback: NONE },
  ];
  const get = (cookie?: string): HaproxyRequest => ({
    host: undefined,
    target: "/",
    raw: `GET / HTTP/1.0\r\nHost: a.test\r\n${cookie === undefined ? "" : `Cookie: ${cookie}\r\n`}\r\n`,
  });

  test("clients stay with their endpoint only where that is asked for; one that drains keeps them, and gets no others", async () => {
    const [a, b, c] = [at("10.1.0.1"), at("10.1.0.2"), at("10.1.0.3")];
    const plain = { kind: "endpoints", backend: "shop/web:80", endpoints: [a, b, c] } as const;
    const many = Array.from({ length: 12 }, () => get());
    const servers = (answers: readonly { readonly server?: string }[]) => [
      ...new Set(answers.map(({ server }) => server)),
    ];
    const spread = await ask(rooted(plain), {}, many);
    expect([servers(spread.answers).length, spread.answers[0]?.cookie]).toEqual([3, undefined]);
    const first = (await ask(rooted({ ...plain, sticky: "cookie" }), {}, [get()])).answers[0];
    const [cookie] = required(first?.cookie, "a cookie").split(";");
    const again = await ask(
      rooted({ ...plain, sticky: "cookie" }),
      {},
      Array.from({ length: 6 }, () => get(cookie)),
    );
    expect(servers(again.answers)).toEqual([first?.server]);
    const drained = {
      ...plain,
      endpoints: plain.endpoints.filter(({ address }) => address !== parseAddress(first?.server ?? "")),
      draining: [at(first?.server ?? "")],
      sticky: "cookie",
    } as const;
    const last = await ask(rooted(drained), {}, [get(cookie), get(cookie), ...many]);
    expect(servers(last.answers.slice(0, 2))).toEqual([first?.server]);
    expect(servers(last.answers.slice(2))).not.toContain(first?.server);
    expect(servers(last.answers.slice(2)).length).toBe(2);
  });

  test("a host outside of the cluster is looked up, or is an address; one that is not found answers 503", async () => {
    const external = (host: string) =>
      ({ kind: "endpoints", backend: "shop/ext:80", endpoints: [], external: { host, port: 8080 } }) as const;
    const answersOf = async (host: string) => (await ask(rooted(external(host)), {}, [get()])).answers[0];
    expect(await answersOf("10.1.0.9")).toMatchObject({ status: 200, server: "10.1.0.9" });
    expect(await answersOf("localhost")).toMatchObject({ status: 200, server: "127.0.0.1" });
    expect(await answersOf("www.example.invalid")).toMatchObject({ status: 503 });
  });
});
