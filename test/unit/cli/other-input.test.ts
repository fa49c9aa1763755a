import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const PACKET = "tcp 10.244.1.9:4000 > 10.96.0.10:80 iif cni0";

const IPTABLES_L = `Chain KUBE-SERVICES (2 references)
 pkts bytes target     prot opt in     out     source               destination
    0     0 KUBE-SVC-A  tcp  --  *      *       0.0.0.0/0            10.96.1.2            /* shop/web cluster IP */ tcp dpt:80
`;
const NFT = "table ip t {\n\tchain c {\n\t}\n}\n";
const SAVE = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n";
const HELM =
  "{{- if .Values.enabled }}\napiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n{{- end }}\n";
const DESCRIBE =
  "Name:                     web\nNamespace:                shop\nLabels:                   <none>\nType:                     ClusterIP\n";
const TABLE =
  "NAMESPACE   NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nshop        web    ClusterIP   10.96.1.2    <none>        80/TCP    3d\n";

describe("where manifests were expected", () => {
  test.each([
    [HELM, "1:1: error: this is a Helm template: expected manifests, as helm template RELEASE CHART prints them"],
    [
      "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n",
      "4:9: error: this is a Helm template: expected manifests",
    ],
    [
      DESCRIBE,
      "1:1: error: this is what kubectl describe prints: expected manifests, as kubectl get -o yaml prints them",
    ],
    [TABLE, "1:1: error: this is a table of kubectl get: expected manifests"],
    [TABLE.replaceAll(/^\S+ +/gm, ""), "1:1: error: this is a table of kubectl get: expected manifests"],
    [
      NFT,
      "1:1: error: these are rules of nft: expected manifests (give rules to kpc trace --rules, kpc verify --against or kpc diff)",
    ],
    [SAVE, "1:1: error: these are rules of iptables: expected manifests"],
    [IPTABLES_L, "1:1: error: this is iptables -L: expected manifests"],
    ['{"nftables": []}', "1:1: error: these are rules of nft: expected manifests"],
    [
      "name: web\nflows:\n  - {name: a}\n",
      "2:1: error: this is an expectation file: expected manifests (kpc test runs expectations)",
    ],
    [
      "resources:\n  - web.yaml\n",
      "1:1: error: this is a kustomization: expected manifests, as kubectl kustomize FOLDER prints them",
    ],
    ["create s hash:ip family inet\n", "1:1: error: these are sets of ipset: expected manifests"],
  ])("%j is named, and what to give", (text, wanted) => {
    const { code, stdout } = inFolder({ "a.yaml": text }, (folder) => kpc(["check", "a.yaml"], { folder }));
    expect(code).toBe(1);
    expect(stdout).toContain(`a.yaml:${wanted}`);
    expect(stdout.match(/ error: /g)).toHaveLength(1);
  });

  test("templates in values of other objects are none of its business", () => {
    const map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  t: |\n    name: {{ .Values.x }}\n---\n";
    const { code, stdout } = inFolder({ "a.yaml": `${map}${SERVICE}` }, (folder) =>
      kpc(["check", "a.yaml"], { folder }),
    );
    expect(code).toBe(0);
    expect(stdout).not.toContain("Helm");
  });
});

describe("where rules were expected", () => {
  test.each([
    [
      IPTABLES_L,
      "1:1: error: this is iptables -L, which leaves out options of matches and, without -v, interfaces: expected iptables-save",
    ],
    [
      "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n",
      "1:1: error: this is what ipvsadm lists",
    ],
    [SERVICE, "1:1: error: these are manifests: expected rules, as nft list ruleset or iptables-save prints them"],
    [JSON.stringify({ apiVersion: "v1", kind: "List", items: [] }), "1:1: error: these are manifests: expected rules"],
    [HELM, "1:1: error: this is a Helm template: expected rules"],
    [TABLE, "1:1: error: this is a table of kubectl get: expected rules"],
    ["create s hash:ip family inet\n", "rules"],
  ])("%j is named, and what to give", (rules, wanted) => {
    const { code, stderr } = inFolder({ rules }, (folder) => kpc(["trace", PACKET, "--rules", "rules"], { folder }));
    expect(code).toBe(2);
    expect(stderr).toContain(wanted);
  });
});

describe("where expectations were expected", () => {
  test.each([
    [SERVICE, "1:1: error: these are manifests: expected an expectation file, with name, files and flows (kpc check"],
    [SAVE, "1:1: error: these are rules of iptables: expected an expectation file, with name, files and flows"],
  ])("%j is named, and what to give", (text, wanted) => {
    const { code, stderr } = inFolder({ "a.yaml": text }, (folder) => kpc(["test", "a.yaml"], { folder }));
    expect(code).toBe(2);
    expect(stderr).toContain(`a.yaml:${wanted}`);
    expect(stderr.match(/error: /g)).toHaveLength(1);
  });
});

test("settings among manifests are named with the flag that reads them", () => {
  const config = "apiVersion: kpc.dev/v1alpha1\nkind: Config\nclusterCIDR: [10.244.0.0/16]\n";
  inFolder({ "a.yaml": `${SERVICE}---\n${config}` }, (folder) => {
    expect(kpc(["check", "a.yaml"], { folder }).stdout).toContain(
      "note: left out objects of kinds that kpc does not read: kpc.dev/v1alpha1/Config (1); -c reads settings [skipped-kinds]",
    );
  });
});

describe("what gzip packed", () => {
  test("is read, in folders too", () => {
    const files = {
      "all/a.yaml.gz": gzipSync(SERVICE),
      "r.v4.gz": gzipSync(SAVE),
      "bad.yaml.gz": gzipSync(SERVICE).subarray(0, 20),
    };
    inFolder(files, (folder) => {
      expect(kpc(["check", "all"], { folder })).toMatchObject({
        code: 0,
        stdout: expect.not.stringContaining("error:"),
      });
      expect(kpc(["check", "-"], { folder, input: files["all/a.yaml.gz"] })).toMatchObject({ code: 0 });
      expect(kpc(["diff", "r.v4.gz", "r.v4.gz"], { folder })).toMatchObject({ code: 0 });
      expect(kpc(["check", "bad.yaml.gz"], { folder })).toMatchObject({
        code: 2,
        stderr: "kpc: cannot read bad.yaml.gz: its gzip data ends too early\n",
      });
    });
  });
});

describe("the ends of a traced packet", () => {
  test("a file in the packet's place is told", () => {
    inFolder({ "a.yaml": SERVICE }, (folder) => {
      expect(kpc(["trace", "a.yaml", PACKET], { folder })).toMatchObject({
        code: 2,
        stderr: `kpc: a.yaml is not a packet: expected the packet first: kpc trace '${PACKET}' a.yaml\n`,
      });
      expect(kpc(["trace", "a.yaml"], { folder }).stderr).toContain(
        "expected the packet first: kpc trace 'PACKET' a.yaml",
      );
    });
  });

  test("Services without an address say what to trace instead", () => {
    const text = `apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec: {}
status: {podIPs: [{ip: 10.244.1.5}]}
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop}
spec: {type: ExternalName, externalName: db.example.com}
`;
    inFolder({ "a.yaml": text }, (folder) => {
      const errorOf = (name: string): string =>
        kpc(["trace", `tcp 10.244.1.9 > svc/shop/${name}:5432`, "a.yaml"], { folder }).stderr;
      expect(errorOf("db")).toContain(
        "svc/shop/db is headless: DNS gives the pods, and no rule is about it; trace to a pod: pod/shop/db-0 [unknown-object]",
      );
      expect(errorOf("out")).toContain(
        "svc/shop/out is an ExternalName Service: DNS gives db.example.com, and no rule is about it",
      );
    });
  });
});
