/** Programs that print credentials: client.authentication.k8s.io, v1 and v1beta1. */
import { spawn } from "node:child_process";
import type { ExecLogin } from "./access-description.ts";
import type { Clock } from "./clock.ts";
import { ApiTrouble, members } from "./trouble.ts";

/** What such a program gave. */
export interface ExecCredential {
  readonly token: string | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Milliseconds since 1970; undefined: it does not say. */
  readonly endsAt: number | undefined;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Milliseconds that a program gets. */
const PATIENCE_MS = 60_000;

/** Runs the program. `cluster`: what it may be told of the cluster. Rejects with ApiTrouble `credentials`, which quotes nothing of what the
 *  program says. */
export async function runExecLogin(login: ExecLogin, cluster: object, clock: Clock): Promise<ExecCredential> {
  const { apiVersion, command } = login;
  const spec = { interactive: false, ...(login.providesClusterInfo ? { cluster } : {}) };
  const info = JSON.stringify({ kind: "ExecCredential", apiVersion, spec });
  const output = await outputOf(login, { ...process.env, ...login.env, KUBERNETES_EXEC_INFO: info }, clock);
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw trouble(command, "its output is not JSON");
  }
  const { kind, apiVersion: version, status } = members(value);
  if (kind !== "ExecCredential" || version !== apiVersion)
    throw trouble(command, `its output is no ExecCredential of ${apiVersion}`);
  return credentialIn(members(status), command);
}

function credentialIn(status: Readonly<Record<string, unknown>>, command: string): ExecCredential {
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp: end } = status;
  for (const [name, value] of Object.entries({ token, clientCertificateData: cert, clientKeyData: key }))
    if (value !== undefined && typeof value !== "string") throw trouble(command, `status.${name} is not a string`);
  const hasCert = typeof cert === "string" && cert !== "";
  const hasKey = typeof key === "string" && key !== "";
  if (hasCert !== hasKey) throw trouble(command, "a certificate and its key come together");
  if (!hasCert && (typeof token !== "string" || token === ""))
    throw trouble(command, "its output has neither a token nor a certificate");
  const endsAt = end === undefined || end === null ? undefined : Date.parse(String(end));
  if (Number.isNaN(endsAt)) throw trouble(command, "status.expirationTimestamp is not a time");
  return {
    token: typeof token === "string" ? token : undefined,
    cert: hasCert ? Buffer.from(cert) : undefined,
    key: hasKey ? Buffer.from(key) : undefined,
    endsAt,
  };
}

function outputOf({ command, args, installHint }: ExecLogin, env: NodeJS.ProcessEnv, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "ignore"] });
    const pieces: Buffer[] = [];
    let bytes = 0;
    const giveUp = (why: string): void => {
      callOff();
      child.kill("SIGKILL");
      reject(trouble(command, why));
    };
    const callOff = clock.after(PATIENCE_MS, () => giveUp(`it did not end within ${PATIENCE_MS / 1000} seconds`));
    child.stdout.on("data", (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > MAX_OUTPUT_BYTES) giveUp(`it prints more than ${MAX_OUTPUT_BYTES} bytes`);
      else pieces.push(piece);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      const hint = installHint === undefined ? "" : `: ${installHint}`;
      giveUp(`it cannot be started (${error.code ?? "unknown"})${hint}`);
    });
    child.on("close", (code, signal) => {
      callOff();
      if (code === 0) resolve(Buffer.concat(pieces).toString());
      else reject(trouble(command, `it ended with ${code ?? signal}`));
    });
  });
}

function trouble(command: string, what: string): ApiTrouble {
  return new ApiTrouble("credentials", `credentials from ${command}: ${what}`);
}
