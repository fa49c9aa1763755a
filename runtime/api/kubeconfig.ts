/** Kubeconfig files: one context of one file, as client-go reads it. */
import { dirname, isAbsolute, join } from "node:path";
import type { Report, Source } from "../../compiler/diagnostics.ts";
import {
  asArray,
  asBoolean,
  asObject,
  asString,
  type Context,
  reportField,
  reportMissing,
  reportUnsupported,
} from "../../compiler/documents/decode.ts";
import { readDocuments } from "../../compiler/documents/document.ts";
import { Field } from "../../compiler/documents/field.ts";
import type { AccessDescription, ExecLogin, HeldBytes, Login } from "./access-description.ts";
import { withoutSecrets } from "./kubeconfig-secrets.ts";

const A_KUBECONFIG = "a kubeconfig (apiVersion: v1, kind: Config)";

/** The access that `context`, or the file's current one, gives. Paths in the file are relative to its folder. Reports what is wrong, with
 *  places in a copy of the text that has no secrets; then there is no access. */
export function readKubeconfig(
  source: Source,
  report: Report,
  { context: asked }: { readonly context?: string } = {},
): AccessDescription | undefined {
  let isWrong = false;
  const guarded: Report = (diagnostic) => {
    isWrong ||= diagnostic.severity === "error" || diagnostic.code === "empty-input";
    report(withoutSecrets(diagnostic, source));
  };
  const [document, second] = [...readDocuments(source, guarded, A_KUBECONFIG)].map(Field.root);
  if (document === undefined) return undefined;
  const context: Context = { report: guarded, root: document, subject: "kubeconfig" };
  if (second !== undefined) {
    const message = `expected one document, ${A_KUBECONFIG}, found several`;
    guarded({ severity: "error", code: "duplicate-object", message, origin: second });
  }
  const root = asObject(context, document);
  if (root === undefined) return undefined;
  const kind = root.get("kind");
  if (kind !== undefined && kind.value !== "Config") {
    guarded({ severity: "error", code: "other-input", message: `expected ${A_KUBECONFIG}`, origin: kind });
    return undefined;
  }
  const access = decodeContext(context, root, asked, dirname(source.name));
  return isWrong ? undefined : access;
}

function decodeContext(
  context: Context,
  root: Field,
  asked: string | undefined,
  folder: string,
): AccessDescription | undefined {
  const current = asString(context, root.get("current-context"));
  const name = asked ?? current;
  if (name === undefined || name === "") {
    reportMissing(context, root, "current-context", "it names the context to use");
    return undefined;
  }
  const chosen = namedEntry(
    context,
    root,
    "contexts",
    "context",
    name,
    asked === undefined ? root.get("current-context") : undefined,
  );
  if (chosen === undefined) return undefined;
  const clusterName = requiredString(context, chosen, "cluster");
  const userName = asString(context, chosen.get("user")) ?? "";
  const cluster =
    clusterName === undefined
      ? undefined
      : namedEntry(context, root, "clusters", "cluster", clusterName, chosen.get("cluster"));
  // A context without a user is a client that nobody knows.
  const user = userName === "" ? undefined : namedEntry(context, root, "users", "user", userName, chosen.get("user"));
  return cluster === undefined ? undefined : decodeAccess(context, cluster, user, folder);
}

/** The member `member` of the element of `root[list]` with that name. `reference`: the field that has the name. */
function namedEntry(
  context: Context,
  root: Field,
  list: string,
  member: string,
  name: string,
  reference: Field | undefined,
): Field | undefined {
  const entries = asArray(context, root.get(list)).flatMap((entry) => asObject(context, entry) ?? []);
  const found = entries.find((entry) => entry.get("name")?.value === name);
  if (found === undefined) {
    const names = entries.flatMap((entry) => asString(context, entry.get("name")) ?? []);
    if (reference !== undefined && names.length > 0) reportUnsupported(context, reference, names);
    else {
      const others = names.length === 0 ? "" : `; there are: ${names.map((each) => JSON.stringify(each)).join(", ")}`;
      reportMissing(context, root, list, `there is no ${member} ${JSON.stringify(name)}${others}`);
    }
    return undefined;
  }
  const held = found.get(member);
  if (held === undefined) reportMissing(context, found, member);
  return asObject(context, held);
}

function requiredString(context: Context, field: Field, key: string): string | undefined {
  const member = field.get(key);
  if (member === undefined || member.value === "") reportMissing(context, field, key);
  return asString(context, member);
}

function decodeAccess(
  context: Context,
  cluster: Field,
  user: Field | undefined,
  folder: string,
): AccessDescription | undefined {
  const server = decodeServer(context, cluster);
  const isInsecure = asBoolean(context, cluster.get("insecure-skip-tls-verify")) ?? false;
  const ca = decodeBytes(context, cluster, "certificate-authority", folder);
  if (isInsecure && ca !== undefined) {
    const detail = "certificates are either checked or not: remove it, or the certificate authority";
    reportField(context, cluster.member("insecure-skip-tls-verify"), "invalid-value", `Forbidden: ${detail}`);
  }
  const proxy = cluster.get("proxy-url");
  if (proxy !== undefined && proxy.value !== "")
    reportField(context, proxy, "invalid-value", "Forbidden: kpc does not reach API servers through a proxy");
  const cert = user === undefined ? undefined : decodeBytes(context, user, "client-certificate", folder);
  const key = user === undefined ? undefined : decodeBytes(context, user, "client-key", folder);
  if (user !== undefined && cert !== undefined && key === undefined) reportMissing(context, user, "client-key-data");
  if (user !== undefined && key !== undefined && cert === undefined)
    reportMissing(context, user, "client-certificate-data");
  if (server === undefined) return undefined;
  return {
    server,
    tlsServerName: asString(context, cluster.get("tls-server-name")) || undefined,
    isInsecure,
    ca,
    cert,
    key,
    login: user === undefined ? { kind: "none" } : decodeLogin(context, user, folder),
    headers: user === undefined ? {} : decodeImpersonation(context, user),
  };
}

function decodeServer(context: Context, cluster: Field): URL | undefined {
  const text = requiredString(context, cluster, "server");
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return url;
  // The address may have a password: it is not shown.
  const detail = "Invalid value: expected an address such as https://10.0.0.1:6443, without a user name";
  reportField(context, cluster.member("server"), "invalid-value", detail);
  return undefined;
}

/** The bytes of `KEY-data`, which is base64, or the file that `KEY` names. */
function decodeBytes(context: Context, field: Field, key: string, folder: string): HeldBytes | undefined {
  const data = secretString(context, field.get(`${key}-data`));
  if (data !== undefined && data !== "") {
    const plain = data.replaceAll(/\s/g, "");
    if (/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return { kind: "bytes", bytes: Buffer.from(plain, "base64") };
    reportField(context, field.member(`${key}-data`), "invalid-value", "Invalid value: expected base64");
    return undefined;
  }
  const path = asString(context, field.get(key));
  return path === undefined || path === "" ? undefined : { kind: "file", path: within(folder, path) };
}

/** A string that no finding shows. */
function secretString(context: Context, field: Field | undefined): string | undefined {
  if (field === undefined || typeof field.value === "string") return field?.value as string | undefined;
  reportField(context, field, "wrong-type", `Invalid value: expected string, found ${typeof field.value}`);
  return undefined;
}

function decodeLogin(context: Context, user: Field, folder: string): Login {
  const provider = user.get("auth-provider");
  if (provider !== undefined)
    reportField(context, provider, "invalid-value", "Forbidden: Kubernetes 1.26 has removed auth providers: use exec");
  const tokenFile = asString(context, user.get("tokenFile"));
  const token = secretString(context, user.get("token"));
  const username = asString(context, user.get("username"));
  const password = secretString(context, user.get("password"));
  const exec = asObject(context, user.get("exec"));
  // As client-go: the file wins over the token.
  if (tokenFile) return { kind: "token", token: { kind: "file", path: within(folder, tokenFile) } };
  if (token) return { kind: "token", token: { kind: "bytes", bytes: Buffer.from(token) } };
  if (username) return { kind: "password", username, password: password ?? "" };
  if (exec === undefined) return { kind: "none" };
  const login = decodeExec(context, exec, folder);
  return login === undefined ? { kind: "none" } : { kind: "exec", ...login };
}

const EXEC_VERSIONS = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"] as const;

function decodeExec(context: Context, exec: Field, folder: string): ExecLogin | undefined {
  const apiVersion = requiredString(context, exec, "apiVersion");
  if (apiVersion !== undefined && !EXEC_VERSIONS.some((version) => version === apiVersion))
    reportUnsupported(context, exec.member("apiVersion"), EXEC_VERSIONS);
  const command = requiredString(context, exec, "command");
  const mode = exec.get("interactiveMode");
  if (mode?.value === "Always")
    reportField(context, mode, "invalid-value", "Forbidden: nobody is there to answer: expected Never or IfAvailable");
  const args = asArray(context, exec.get("args")).flatMap((arg) => secretString(context, arg) ?? []);
  const env = asArray(context, exec.get("env")).flatMap((entry): [string, string][] => {
    const pair = asObject(context, entry);
    const name = pair === undefined ? undefined : requiredString(context, pair, "name");
    return pair === undefined || name === undefined ? [] : [[name, secretString(context, pair.get("value")) ?? ""]];
  });
  if (apiVersion === undefined || command === undefined) return undefined;
  return {
    apiVersion,
    // A name without a slash is looked for in PATH.
    command: command.includes("/") ? within(folder, command) : command,
    args,
    env: Object.fromEntries(env),
    providesClusterInfo: asBoolean(context, exec.get("provideClusterInfo")) ?? false,
    installHint: asString(context, exec.get("installHint")) || undefined,
  };
}

function decodeImpersonation(context: Context, user: Field): AccessDescription["headers"] {
  const name = asString(context, user.get("as"));
  const uid = asString(context, user.get("as-uid"));
  const groups = asArray(context, user.get("as-groups")).flatMap((group) => asString(context, group) ?? []);
  const extra = user.get("as-user-extra");
  if (extra !== undefined)
    reportField(context, extra, "invalid-value", "Forbidden: kpc does not impersonate with extras");
  return {
    ...(name ? { "impersonate-user": name } : {}),
    ...(uid ? { "impersonate-uid": uid } : {}),
    ...(groups.length > 0 ? { "impersonate-group": groups } : {}),
  };
}

function within(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}
