import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpcProcess } from "../support/cli.ts";

const MEGABYTES = 12;
/** The library's tree of the whole text would take six times as much. */
const HEAP_MEGABYTES = 250;

/** One Service with ten endpoints, as kubectl prints them. */
function manifestsOf(index: number): readonly string[] {
  const address = (second: number, host: number): string => `10.${second}.${host >> 8}.${host & 255}`;
  const endpoints = Array.from({ length: 10 }, (_, endpoint) => {
    const host = index * 10 + endpoint;
    return `- addresses:
  - ${address(64 + (host >> 16), host & 0xffff)}
  conditions:
    ready: true
    serving: true
    terminating: false
  nodeName: node-${endpoint}
`;
  });
  return [
    `apiVersion: v1
kind: Service
metadata:
  name: service-${index}
  namespace: default
  annotations:
    example.com/note: "${"what somebody wrote about it ".repeat(20)}"
spec:
  clusterIP: ${address(0, index)}
  ports:
  - name: http
    port: 80
    protocol: TCP
    targetPort: 8080
`,
    `addressType: IPv4
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: service-${index}-slice
  namespace: default
  labels:
    kubernetes.io/service-name: service-${index}
ports:
- name: http
  port: 8080
  protocol: TCP
endpoints:
${endpoints.join("")}`,
  ];
}

/** Writes documents until the file has its size; gives the number of Services. */
function writeManifests(file: string): number {
  const output = openSync(file, "w");
  let [services, bytes] = [0, 0];
  while (bytes < MEGABYTES * 1e6) {
    const text = Array.from({ length: 100 }, () => manifestsOf(services++))
      .flat()
      .map((document) => `---\n${document}`)
      .join("");
    bytes += writeSync(output, text);
  }
  closeSync(output);
  return services;
}

describe("a manifest of 50 MB", () => {
  test("compiles without exhausting a small heap", { timeout: 120_000 }, () => {
    inFolder({}, (folder) => {
      const file = join(folder, "large.yaml");
      const services = writeManifests(file);
      expect(statSync(file).size).toBeGreaterThan(MEGABYTES * 1e6);
      const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MEGABYTES}` };
      const { code, stdout, stderr } = kpcProcess(["compile", "-q", "--node", "node-1", "large.yaml"], { folder, env });
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout.match(/comment "default\/service-\d+:http" : jump/g)).toHaveLength(services);
    });
  });
});
