/** Expectations: one file is one world and the first packets of some connections with their expected outcome. */

import type { Field } from "../documents/field.ts";
import type { Address } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Config } from "../node/config.ts";
import type { Mode } from "../node/settings.ts";
import type { Located } from "../specs/located.ts";

export interface Case {
  readonly name: string;
  /** The modes in which every flow holds. */
  readonly modes: readonly Mode[];
  readonly config: Config;
  /** The manifests of the world: objects of the file itself, and the files that it names, relative to its own place. */
  readonly objects: readonly Field[];
  readonly files: readonly { readonly path: string; readonly node: Field }[];
  readonly flows: readonly Flow[];
}

export interface Flow {
  readonly name: string;
  readonly origin: "pod" | "node" | "loopback" | "external";
  readonly protocol: Protocol;
  readonly from: FlowEnd;
  readonly to: FlowEnd;
  /** Of a Service also its name. */
  readonly port: number | string;
  readonly inInterface: string | undefined;
  readonly expect: Expectation;
  readonly node: Field;
}

/** An address, or an object of the world: `pod/NAMESPACE/NAME`, `svc/NAMESPACE/NAME`, `node/NAME`. */
export type FlowEnd = Address | Located<string>;

export interface Expectation {
  readonly verdict: "dnat" | "accept" | "drop" | "reject" | "pass";
  /** `address:port`, sorted; for `dnat`. Each has the same chance. */
  readonly endpoints: readonly string[];
  /** For all endpoints. */
  readonly masquerade: boolean;
  /** With `masquerade: false`, those that are masqueraded all the same. */
  readonly masqueradeEndpoints: readonly string[];
  /** Seconds for which the choice is remembered; undefined: nothing is said about it. */
  readonly stickySeconds: number | undefined;
}
