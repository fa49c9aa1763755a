/** Changes of a running HAProxy as commands of its runtime API. */
import { CERTIFICATE_LIST } from "../../compiler/formats/haproxy/certificates.ts";
import type { ProxyChange } from "../../compiler/formats/haproxy/changes.ts";
import { unreachable } from "../../compiler/invariant.ts";
import { askProxy, ProxyTrouble, quoteWord } from "./admin-socket.ts";

/** A command, and what HAProxy says when it has done it. */
interface Command {
  readonly text: string;
  readonly payload?: string;
  /** Undefined: nothing. */
  readonly says?: RegExp;
}

/** Rows of a map that are sent together, in bytes: HAProxy has a buffer of 16 kB for a command with its payload. */
const PAYLOAD_BYTES = 8000;

/** Makes `changes`, one after the other. Rejects with ProxyTrouble where HAProxy says something else than that it has. Servers that are to
 *  be removed get no new requests from then on; `ServerRemoval` removes them. */
export async function applyChanges(socket: string, changes: readonly ProxyChange[]): Promise<void> {
  for (const command of inPayloads(changes)) {
    const said = await askProxy(socket, command.text, command.payload);
    const isDone = command.says === undefined ? said === "" : command.says.test(said);
    if (!isDone) throw new ProxyTrouble(`HAProxy says to ${command.text}: ${said.split("\n")[0]}`);
  }
}

/** New rows of one map that follow each other are one command. */
function* inPayloads(changes: readonly ProxyChange[]): Generator<Command> {
  let rows: string[] = [];
  let of: string | undefined;
  let bytes = 0;
  const flush = (): Command => ({ text: `add map ${of}`, payload: rows.join("\n") });
  for (const change of changes) {
    const map = change.kind === "add-row" ? change.map : undefined;
    if (rows.length > 0 && (map !== of || bytes > PAYLOAD_BYTES)) {
      yield flush();
      rows = [];
      bytes = 0;
    }
    of = map;
    if (change.kind === "add-row") {
      const row = `${change.key} ${change.value}`;
      rows.push(row);
      bytes += row.length + 1;
    } else yield* commandsOf(change);
  }
  if (rows.length > 0) yield flush();
}

function commandsOf(change: Exclude<ProxyChange, { kind: "add-row" }>): readonly Command[] {
  switch (change.kind) {
    case "set-row":
      return [{ text: `set map ${change.map} ${quoteWord(change.key)} ${change.value}` }];
    case "delete-row":
      return [{ text: `del map ${change.map} ${quoteWord(change.key)}` }];
    case "add-server":
      return addServer(change);
    case "set-weight":
      return [{ text: `set server ${change.backend}/${change.server} weight ${change.weight}` }];
    case "remove-server":
      return [{ text: `set server ${change.backend}/${change.server} state drain` }];
    case "set-certificate":
      return [...setCertificate(change)];
    case "add-certificate":
      return [{ text: `new ssl cert ${change.file}`, says: /^New empty certificate store/ }, ...setCertificate(change)];
    case "add-certificate-row":
      return [{ text: `add ssl crt-list ${CERTIFICATE_LIST}`, payload: change.row, says: /Success!$/ }];
    case "remove-certificate":
      return [
        { text: `del ssl crt-list ${CERTIFICATE_LIST} ${change.file}`, says: /deleted/ },
        { text: `del ssl cert ${change.file}`, says: /deleted/ },
      ];
    default:
      return unreachable(change);
  }
}

function addServer(change: Extract<ProxyChange, { kind: "add-server" }>): Command[] {
  const { backend, server, address, settings } = change;
  const name = `${backend}/${server}`;
  const isChecked = settings.split(" ").includes("check");
  return [
    { text: `add server ${name} ${address} ${settings}`.trimEnd(), says: /^New server registered\.$/ },
    // It has its checks disabled, and is in maintenance.
    ...(isChecked ? [{ text: `enable health ${name}` }] : []),
    { text: `enable server ${name}` },
  ];
}

function setCertificate({ file, pem }: { readonly file: string; readonly pem: string }): Command[] {
  return [
    // An empty line ends the payload.
    {
      text: `set ssl cert ${file}`,
      payload: pem.replaceAll(/\n{2,}/g, "\n"),
      says: /^Transaction (?:created|updated)/,
    },
    { text: `commit ssl cert ${file}`, says: /Success!$/ },
  ];
}
