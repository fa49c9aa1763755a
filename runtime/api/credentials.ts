/** Who the client says it is, and whom it believes: certificates and tokens, read again when they change. */

/** What a request goes out with. The same object as long as nothing has changed. */
export interface ApiCredentials {
  /** Of requests: `authorization` and what impersonates. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: ApiTls;
}

/** As node:tls takes it. */
export interface ApiTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name in the server's certificate, where it is not the one in the address. */
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** An API server, and how to come in. */
export interface ApiAccess {
  /** With the path below which the API is, `/` mostly. */
  readonly server: URL;
  /** Rejects with ApiTrouble `credentials`. */
  current(): Promise<ApiCredentials>;
  /** The same, once the server did not take what `current` gave: everything is read anew. */
  renewed(): Promise<ApiCredentials>;
}
