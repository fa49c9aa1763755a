/** Parts of a table, looked up one by one. The table is one that the engine has accepted, or that was just made. */
import * as L from "../../../assembly/layout.ts";
import type { Address, Ipv4, Ipv6 } from "../../net/address.ts";
import { parseNames, type TableNames } from "./names.ts";

export interface TableEndpoint {
  readonly address: Address;
  readonly port: number;
  /** What clients are remembered by; 0 without session affinity. */
  readonly identity: number;
  /** Number of its treatment; undefined when it has none of its own. */
  readonly endpointTreatment: number | undefined;
}

export class TableView {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private parsedNames: TableNames | undefined;
  private labels: ReadonlyMap<number, string> | undefined;
  private timeouts: ReadonlyMap<number, number> | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The word at an offset of the table. */
  word(at: number): number {
    return this.view.getUint32(at, true);
  }

  half(at: number): number {
    return this.view.getUint16(at, true);
  }

  /** A word in network byte order. */
  bigWord(at: number): number {
    return this.view.getUint32(at, false);
  }

  get names(): TableNames {
    const at = this.word(L.H_NAMES);
    this.parsedNames ??= parseNames(this.bytes.subarray(at, at + this.word(L.H_NAMES_LENGTH)));
    return this.parsedNames;
  }

  /** The Service port of a row. */
  label(slot: number): string | undefined {
    this.labels ??= new Map(this.names.labels);
    return this.labels.get(slot);
  }

  /** Why a code is what it is. */
  reason(code: number): string {
    return this.names.reasons[code >>> L.CODE_REASON_SHIFT] ?? "";
  }

  /** Seconds that clients of a row are remembered; undefined when they are not. */
  timeout(slot: number): number | undefined {
    this.timeouts ??= new Map(
      Array.from({ length: this.word(L.H_TIMEOUT_COUNT) }, (_, i): [number, number] => {
        const at = this.word(L.H_TIMEOUTS) + i * L.TIMEOUT_BYTES;
        return [this.word(at), this.word(at + 4)];
      }),
    );
    return this.timeouts.get(slot);
  }

  /** An endpoint by its number. */
  endpoint(number: number, family: "IPv4" | "IPv6"): TableEndpoint {
    const four = family === "IPv4";
    const at =
      this.word(four ? L.H_ENDPOINTS4 : L.H_ENDPOINTS6) + number * (four ? L.ENDPOINT4_BYTES : L.ENDPOINT6_BYTES);
    const endpointTreatment = this.half(at + (four ? L.ENDPOINT4_TREATMENT : L.ENDPOINT6_TREATMENT));
    const remembered = number < this.word(four ? L.H_IDENTITIES4_COUNT : L.H_IDENTITIES6_COUNT);
    return {
      address: this.address(at, family),
      port: this.half(at + (four ? L.ENDPOINT4_PORT : L.ENDPOINT6_PORT)),
      identity: remembered ? this.word(this.word(four ? L.H_IDENTITIES4 : L.H_IDENTITIES6) + number * 4) : 0,
      endpointTreatment: endpointTreatment === 0 ? undefined : endpointTreatment - 1,
    };
  }

  /** The address at an offset, in network byte order. */
  address(at: number, family: "IPv4" | "IPv6"): Address {
    if (family === "IPv4") return this.bigWord(at) as Ipv4;
    return ((this.view.getBigUint64(at, false) << 64n) | this.view.getBigUint64(at + 8, false)) as Ipv6;
  }
}
