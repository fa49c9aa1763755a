/** How to reach an API server, as a kubeconfig or a Pod's environment says it. */

/** Bytes that are at hand, or in a file that may change. */
export type HeldBytes =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "file"; readonly path: string };

/** Who the client is beside its certificate. */
export type Login =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: HeldBytes }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | ({ readonly kind: "exec" } & ExecLogin);

/** A program that prints credentials (client.authentication.k8s.io). */
export interface ExecLogin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly providesClusterInfo: boolean;
  readonly installHint: string | undefined;
}

export interface AccessDescription {
  readonly server: URL;
  /** The name in the server's certificate, where it is not the one in the address. */
  readonly tlsServerName: string | undefined;
  readonly isInsecure: boolean;
  readonly ca: HeldBytes | undefined;
  readonly cert: HeldBytes | undefined;
  readonly key: HeldBytes | undefined;
  readonly login: Login;
  /** Headers that impersonate. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What a Pod finds in its environment; undefined: this is no Pod. The address is a cluster IP: nobody answers there before the node's
 *  rules are loaded. `folder`: where the service account is. */
export function inClusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = SERVICE_ACCOUNT,
): AccessDescription | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || host === "" || port === undefined || !/^\d{1,5}$/.test(port)) return undefined;
  const address = host.includes(":") ? `[${host}]` : host;
  if (!URL.canParse(`https://${address}:${port}`)) return undefined;
  return {
    server: new URL(`https://${address}:${port}`),
    tlsServerName: undefined,
    isInsecure: false,
    ca: { kind: "file", path: `${folder}/ca.crt` },
    cert: undefined,
    key: undefined,
    login: { kind: "token", token: { kind: "file", path: `${folder}/token` } },
    headers: {},
  };
}
