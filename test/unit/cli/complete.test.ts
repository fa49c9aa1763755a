import { expect, test } from "vitest";
import { inFolder, kpc } from "../../support/cli.ts";

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          ports: [{name: http, containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
  selector: {app: web}
  ports:
    - name: http
      port: 80
      targetPort: http
`;

const FILES = {
  "web.yaml": WEB,
  "dns.yaml":
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ExternalName, externalName: a.example}\n",
};

const NOTE =
  "note: assumed what a cluster would add: cluster IPs of 1 Service (10.96.0.0/16), 1 node port, 2 Pods of workloads, addresses of 2 Pods " +
  "(10.244.0.0/16, fd00:10:244::/64), Nodes of 2 Pods, Node node-1; -v lists each, --no-complete turns this off [assumed]\n";

test("a Deployment and a Service compile to rules that serve it, with one note", () => {
  inFolder(FILES, (folder) => {
    const { code, stdout, stderr } = kpc(["compile", "web.yaml"], { folder });
    expect([code, stderr.replace(/^kpc: .*\n/m, "")]).toEqual([0, NOTE]);
    expect(stdout.match(/comment "default\/web:http" : (jump|goto)/g)?.length).toBeGreaterThanOrEqual(2);
    expect(stdout).toContain("for node node-1");
  });
});

test("--no-complete refuses: exit code 1, no rules, and the place of the Service", () => {
  inFolder(FILES, (folder) => {
    const { code, stdout, stderr } = kpc(["compile", "web.yaml", "--no-complete"], { folder });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("web.yaml:15:1: error: Service default/web has no clusterIP");
    expect(stderr).toContain("warning: left out, since kpc assumes nothing here: 1 node port, 2 Pods of workloads");
  });
});

test("check lists each assumption at its place", () => {
  inFolder(FILES, (folder) => {
    const { code, stdout } = kpc(["check", "web.yaml"], { folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^web\.yaml:18:9: info: assumed: Service default\/web: cluster IP 10\.96\.\d+\.\d+ \[assumed\]$/m,
    );
    expect(stdout).toMatch(
      /^web\.yaml:23:7: info: assumed: Service default\/web, port http: node port 3\d{4}\/TCP \[assumed\]$/m,
    );
    expect(stdout).toMatch(
      /info: assumed: Pod default\/web-1 of Deployment web on Node node-1: 10\.244\.\d+\.\d+, fd00:10:244::\S+ \[assumed\]$/m,
    );
  });
});

test("a trace names made Pods, and marks what is assumed, in text and JSON", () => {
  inFolder(FILES, (folder) => {
    const packet = "tcp pod/default/web-0 > svc/default/web";
    const { code, stdout } = kpc(["trace", packet, "web.yaml"], { folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/web\.yaml:23:7 \(cluster IP assumed\)$/m);
    expect(stdout).toMatch(/web\.yaml:\d+:\d+ \(pod, pod address, pod node assumed\)$/m);
    expect(stdout).toContain("pod default/web-1 on node-1");
    const { outcomes } = JSON.parse(kpc(["trace", packet, "web.yaml", "-o", "json"], { folder }).stdout) as {
      outcomes: { steps: { assumed?: string[] }[] }[];
    };
    const assumed = new Set(outcomes[0]?.steps.flatMap((step) => step.assumed ?? []));
    expect([...assumed].sort()).toEqual(["cluster IP", "pod", "pod address", "pod node"]);
  });
});

test("Services that have no use for rules are no mistake, and said", () => {
  inFolder(FILES, (folder) => {
    const { code, stderr } = kpc(["compile", "dns.yaml", "--node", "n1"], { folder });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: no Service of the input gets rules \(-v says why\): .* \[no-services\]$/m);
  });
});

test("an empty List is said to remove all rules; Services with errors are not", () => {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: [] });
  const wrong = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 0}]}\n";
  inFolder({ "list.json": list, "wrong.yaml": wrong }, (folder) => {
    expect(kpc(["compile", "list.json"], { folder }).stderr).toMatch(
      /^note: the input has no Service: loading the result removes all rules of kpc \[no-services\]$/m,
    );
    const { code, stderr } = kpc(["compile", "wrong.yaml"], { folder });
    expect(code).toBe(1);
    expect(stderr).not.toContain("no-services");
  });
});

test("a host is not held against what kpc has chosen: verify and traces of read rules refuse", () => {
  const rules = { "host.nft": "table ip kube-proxy {\n\tchain services {\n\t}\n}\n" };
  inFolder({ ...FILES, ...rules }, (folder) => {
    const verified = kpc(["verify", "web.yaml", "--against", "host.nft"], { folder });
    expect([verified.code, verified.stderr]).toEqual([
      2,
      expect.stringContaining("Service default/web has no clusterIP"),
    ]);
    const packet = "tcp pod/default/web-0 > svc/default/web";
    expect(kpc(["trace", packet, "web.yaml", "--rules", "host.nft"], { folder }).code).toBe(1);
  });
});
