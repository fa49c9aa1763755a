/** Ten Services as somebody writes them: only the fields that matter, comments, flow style where it is shorter. */

const NAMES = ["api", "auth", "cart", "catalog", "checkout", "mail", "payment", "search", "stock", "web"];

export function smallYaml(): string {
  return NAMES.map(
    (name, index) => `# ${name}
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  type: ${index === 9 ? "NodePort" : "ClusterIP"}
  clusterIP: 10.96.1.${index + 10}
  selector: { app: ${name} }
  ports:
    - name: http
      port: 80
      targetPort: 8080${index === 9 ? "\n      nodePort: 30080" : ""}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-1
  namespace: shop
  labels: { kubernetes.io/service-name: ${name} }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.176.1.${index + 10}], nodeName: node-1 }
  - { addresses: [10.176.2.${index + 10}], nodeName: node-2 }
  - { addresses: [10.176.3.${index + 10}], nodeName: node-3 }
`,
  ).join("---\n");
}

/** The same objects in one List. */
export function smallJson(): string {
  const items = NAMES.flatMap((name, index) => [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: {
        type: index === 9 ? "NodePort" : "ClusterIP",
        clusterIP: `10.96.1.${index + 10}`,
        selector: { app: name },
        ports: [{ name: "http", port: 80, targetPort: 8080, ...(index === 9 ? { nodePort: 30080 } : {}) }],
      },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: [1, 2, 3].map((node) => ({
        addresses: [`10.176.${node}.${index + 10}`],
        nodeName: `node-${node}`,
      })),
    },
  ]);
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items }, null, 2)}\n`;
}
