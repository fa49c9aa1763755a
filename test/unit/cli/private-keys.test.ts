/** Private keys are in the Secrets of the input, and in nothing that kpc prints. */
import { expect, test } from "vitest";
import { makeCertificate, makeKeys, tlsSecret } from "../../support/certificates.ts";
import { type CliResult, inFolder, kpc } from "../../support/cli.ts";
import { some } from "../../support/runs.ts";

const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: default}
spec:
  tls: [{hosts: [a.example], secretName: s}]
  rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: w, port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {name: w}
spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}
---
apiVersion: v1
kind: Node
metadata: {name: n}
spec: {podCIDR: 10.244.0.0/24}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
`;

/** Parts of a key, in each form that the input has it in: any 24 characters of it are too many, and each 24 have one of these. */
function partsOf(key: string): readonly string[] {
  const base64 = key.replace(/-----.*/g, "").replace(/\s/g, "");
  const texts = [base64, Buffer.from(key).toString("base64")];
  return texts.flatMap((text) => text.match(/.{12}/g) ?? []);
}

const made = makeCertificate({ names: ["a.example"], keys: makeKeys("rsa") });
const parts = partsOf(made.key).filter((part) => !Buffer.from(made.certificate).toString("base64").includes(part));
const secret = tlsSecret("default/s", made);
const plain = { ...secret, data: undefined, stringData: { "tls.crt": made.certificate, "tls.key": made.key } };
const indented = (text: string): string => text.replace(/^(?=.)/gm, "    ");
const yaml = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls\nstringData:\n  tls.crt: |\n${indented(made.certificate)}  tls.key: |\n${indented(made.key)}`;
const brokenKey = { ...secret, data: { "tls.crt": "", "tls.key": `${Buffer.from(made.key).toString("base64")}?` } };

/** Secrets that are right, and wrong in ways that findings are about. */
const SECRETS: Readonly<Record<string, string>> = {
  "in one line": JSON.stringify(secret),
  pretty: JSON.stringify(secret, null, 2),
  stringData: JSON.stringify(plain),
  yaml,
  "of the wrong type": JSON.stringify({ ...secret, type: "Opaque" }),
  "with the data of a number": JSON.stringify({ ...secret, data: [secret["data"]] }),
  "with a field too much": JSON.stringify({ ...plain, spec: {}, dat: secret["data"] }),
  "with a bad name": JSON.stringify({ ...secret, metadata: { name: "S_", annotations: { "a b": made.key } } }),
  "with a key that is not base64": JSON.stringify(brokenKey),
  "with a list for a key": JSON.stringify({ ...secret, data: { "tls.key": [made.key] } }),
  twice: `${JSON.stringify(secret)}\n---\n${JSON.stringify(plain)}`,
  "of an unknown version": JSON.stringify({ ...secret, apiVersion: "v2" }),
  "with broken JSON": JSON.stringify(secret).replace(/\}\}$/, "}"),
  "with broken YAML": `${yaml}   x: [`,
  "with a key twice": `${yaml}stringData: {}\n`,
  "with YAML that breaks within the key": yaml.replace(/(tls\.key: \|\n(?:.*\n){5}) {4}/, "$1 "),
  "in the place of another kind": JSON.stringify({ ...secret, kind: "Service", spec: { data: secret["data"] } }),
};

const COMMANDS: readonly (readonly string[])[] = [
  ["compile", "-o", "ir"],
  ["compile", "-o", "json"],
  ["compile", "-o", "nft", "-v"],
  ["compile", "-v", "--strict", "-o", "haproxy", "-d", "out"],
  ["check", "-v"],
  ["check", "-o", "json", "-v"],
  ["whatis", "https://a.example/", "-v"],
  ["whatis", "https://a.example/", "-o", "json"],
  ["trace", "tcp node/n > svc/default/w:80", "-o", "json"],
  ["matrix", "-o", "json"],
  ["describe", "-o", "json"],
];

/** Those that say most of what is wrong. */
const TELLING = COMMANDS.filter(([name]) => name === "check" || name === "compile").slice(1, 6);

test.each(some(Object.entries(SECRETS), 7))("a Secret %s", (name, text) => {
  inFolder({ "i.yaml": INGRESS, "s.yaml": text }, (folder) => {
    for (const command of name === "in one line" ? COMMANDS : TELLING) {
      const { stdout, stderr }: CliResult = kpc([...command, "i.yaml", "s.yaml"], { folder });
      const said = `${stdout}${stderr}`;
      expect(said).not.toBe("");
      expect(parts.filter((part) => said.includes(part))).toEqual([]);
    }
  });
});

test("the parts are those of the key", () => {
  expect(parts.length).toBeGreaterThan(200);
  expect(
    parts.every(
      (part) => made.key.replace(/\s/g, "").includes(part) || Buffer.from(made.key).toString("base64").includes(part),
    ),
  ).toBe(true);
});
