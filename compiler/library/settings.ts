/** Settings of a node, as callers of the library give them. */

import { checkSource, describe, isRecord } from "../arguments.ts";
import type { Report, Source } from "../diagnostics.ts";
import { API_VERSION } from "../json-output.ts";
import type { Config, DetectLocalMode } from "../node/config.ts";
import { readConfigFile } from "../node/read-config.ts";
import type { Mode } from "../node/settings.ts";
import type { HaproxySettings } from "../proxy-settings.ts";

/** The members of a settings file, as docs/settings.md explains them. */
export interface NodeSettings {
  readonly nodeName?: string;
  readonly mode?: Mode;
  readonly nodeIP?: string | readonly string[];
  readonly nodeIPs?: readonly string[];
  readonly clusterCIDR?: string | readonly string[];
  readonly serviceCIDRs?: readonly string[];
  readonly nodePortAddresses?: readonly string[];
  readonly detectLocalMode?: DetectLocalMode;
  readonly detectLocalInterface?: string;
  readonly localhostNodePorts?: boolean;
  readonly masqueradeAll?: boolean;
  readonly masquerade?: "kpc" | "none";
  readonly tcpBeLiberal?: boolean;
  readonly ingressController?: string;
  readonly defaultCertificate?: string;
  readonly allowExternalNames?: boolean;
  readonly haproxy?: HaproxySettings;
  readonly zone?: string;
}

/** The settings in `value`: an object, or a source with the text of a settings file. Reports what is wrong with their members;
 *  throws `TypeError` for anything else. Members are checked by the rules of files: they are read from JSON of that shape. */
export function settingsIn(value: NodeSettings | Source | undefined, report: Report): Config {
  if (value === undefined) return {};
  if (!isRecord(value))
    throw new TypeError(`options.settings: expected an object or {name, text}, found ${describe(value)}`);
  if ("text" in value) {
    checkSource(value, "options.settings");
    return readConfigFile(value, report);
  }
  const text = JSON.stringify({ apiVersion: API_VERSION, kind: "Config", ...value }, onlyData, 2);
  return readConfigFile({ name: "settings", text }, report);
}

/** Throws `TypeError` for what JSON would leave out, or not take. */
function onlyData(name: string, value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
    throw new TypeError(
      `options.settings: expected text, numbers, lists and objects, found ${describe(value)} as ${name}`,
    );
  return value;
}
