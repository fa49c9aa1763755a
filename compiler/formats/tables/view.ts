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

const DECODER = new TextDecoder();

/** Texts are copied before they are decoded: the table may be in memory that threads share. */
export class TableView {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private parsedNames: TableNames | undefined;

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
    this.parsedNames ??= parseNames(this.bytes.slice(at, at + this.word(L.H_NAMES_LENGTH)));
    return this.parsedNames;
  }

  /** The Service port of a row. */
  label(slot: number): string {
    const about = this.aboutOf(slot);
    const at = this.word(L.H_LABELS) + this.word(about + L.ABOUT_LABEL);
    return DECODER.decode(this.bytes.slice(at, at + this.word(about + L.ABOUT_LABEL_LENGTH)));
  }

  private aboutOf(slot: number): number {
    return this.word(L.H_ABOUT) + slot * L.ABOUT_BYTES;
  }

  /** Why a code is what it is. */
  reason(code: number): string {
    return this.names.reasons[code >>> L.CODE_REASON_SHIFT] ?? "";
  }

  /** Seconds that clients of a row are remembered; undefined when they are not. */
  timeout(slot: number): number | undefined {
    const seconds = this.word(this.aboutOf(slot) + L.ABOUT_SECONDS);
    return seconds === 0 ? undefined : seconds - 1;
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
