/** Objects of the Gateway API. */

const GATEWAY = "gateway.networking.k8s.io/v1";
/** In namespace `a`, unless said otherwise. */
export const object = (kind: string, name: string, spec: object, namespace = "a", meta: object = {}) => ({
  ...{ apiVersion: GATEWAY, kind, metadata: { name, namespace, ...meta }, spec },
});
/** Listener `web`, at port 80. */
export const HTTP = { name: "web", port: 80, protocol: "HTTP" };
/** Gateway a/g. */
export const gateway = (...listeners: object[]) => object("Gateway", "g", { gatewayClassName: "c", listeners });
/** HTTPRoute `r`, attached to Gateway a/g. */
export const route = (spec: object, namespace = "a", name = "r", meta: object = {}) =>
  object("HTTPRoute", name, { parentRefs: [{ name: "g", namespace: "a" }], ...spec }, namespace, meta);
