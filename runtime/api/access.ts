/** Credentials as they are now: files are read again when they change, programs are asked again when what they gave ends. */
import { readFile, stat } from "node:fs/promises";
import type { AccessDescription, HeldBytes } from "./access-description.ts";
import type { Clock } from "./clock.ts";
import type { ApiAccess, ApiCredentials } from "./credentials.ts";
import { type ExecCredential, runExecLogin } from "./exec-login.ts";
import { ApiTrouble } from "./trouble.ts";

/** Milliseconds before its end at which a credential of a program counts as over. */
const EARLY_MS = 60_000;

interface ReadFile {
  /** What tells a file from one that has taken its place. */
  readonly stamp: string;
  readonly bytes: Buffer;
}

/** Opens what `description` says. */
export function openAccess(description: AccessDescription, clock: Clock): ApiAccess {
  return new DescribedAccess(description, clock);
}

class DescribedAccess implements ApiAccess {
  readonly server: URL;
  private readonly description: AccessDescription;
  private readonly clock: Clock;
  private readonly files = new Map<string, ReadFile>();
  private exec: ExecCredential | undefined;
  private running: Promise<ExecCredential> | undefined;
  /** What was given last, with all that it was made of. */
  private given:
    | { readonly parts: readonly (Buffer | string | undefined)[]; readonly credentials: ApiCredentials }
    | undefined;

  constructor(description: AccessDescription, clock: Clock) {
    this.server = description.server;
    this.description = description;
    this.clock = clock;
  }

  async renewed(): Promise<ApiCredentials> {
    this.files.clear();
    this.exec = undefined;
    return this.current();
  }

  async current(): Promise<ApiCredentials> {
    const { description } = this;
    const exec = description.login.kind === "exec" ? await this.execCredential() : undefined;
    const [ca, cert, key] = await Promise.all([
      this.read(description.ca),
      exec?.cert ?? this.read(description.cert),
      exec?.key ?? this.read(description.key),
    ]);
    const authorization = exec === undefined ? await this.authorization() : bearer(exec.token);
    const parts = [ca, cert, key, authorization];
    if (this.given?.parts.every((part, i) => isSame(part, parts[i])) === true) return this.given.credentials;
    const credentials: ApiCredentials = {
      headers: { ...description.headers, ...(authorization === undefined ? {} : { authorization }) },
      tls: {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(description.tlsServerName === undefined ? {} : { servername: description.tlsServerName }),
        rejectUnauthorized: !description.isInsecure,
      },
    };
    this.given = { parts, credentials };
    return credentials;
  }

  private async authorization(): Promise<string | undefined> {
    const { login } = this.description;
    if (login.kind === "token") return bearer((await this.read(login.token)).toString().trim());
    if (login.kind === "password")
      return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    return undefined;
  }

  private read(held: HeldBytes): Promise<Buffer>;
  private read(held: HeldBytes | undefined): Promise<Buffer | undefined>;
  private async read(held: HeldBytes | undefined): Promise<Buffer | undefined> {
    if (held === undefined || held.kind === "bytes") return held?.bytes;
    const { path } = held;
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      const known = this.files.get(path);
      if (known?.stamp === stamp) return known.bytes;
      const bytes = await readFile(path);
      this.files.set(path, { stamp, bytes });
      return bytes;
    } catch (error) {
      const { code = "unknown" } = error as { readonly code?: string };
      throw new ApiTrouble("credentials", `cannot read ${path}: ${code}`);
    }
  }

  /** What the program gave, unless it ends soon. Who asks while it runs gets the same answer. */
  private execCredential(): Promise<ExecCredential> {
    const { exec, description } = this;
    const { login } = description;
    if (login.kind !== "exec") throw new ApiTrouble("credentials", "there is no program for credentials");
    if (exec !== undefined && (exec.endsAt === undefined || exec.endsAt - EARLY_MS > this.clock.wallTime()))
      return Promise.resolve(exec);
    this.running ??= this.clusterInfo()
      .then((cluster) => runExecLogin(login, cluster, this.clock))
      .then((found) => {
        this.exec = found;
        return found;
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async clusterInfo(): Promise<object> {
    const { description } = this;
    const ca = await this.read(description.ca);
    return {
      server: description.server.href,
      ...(description.tlsServerName === undefined ? {} : { "tls-server-name": description.tlsServerName }),
      ...(description.isInsecure ? { "insecure-skip-tls-verify": true } : {}),
      ...(ca === undefined ? {} : { "certificate-authority-data": ca.toString("base64") }),
    };
  }
}

/** A token that would end the header is none. */
function bearer(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
  throw new ApiTrouble("credentials", "the token has characters that no token has");
}

function isSame(a: Buffer | string | undefined, b: Buffer | string | undefined): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b;
}
