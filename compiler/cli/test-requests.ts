/** `kpc test`: expectations for HTTP requests. */
import { throwawaySecret } from "../../runtime/haproxy/throwaway-pair.ts";
import { type Compiled, compileSpecs } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import type { RequestEngine } from "../expectations/engines/requests.ts";
import { impliedObjects } from "../expectations/requests/implied.ts";
import { DEFAULT_CERTIFICATE, runInvalid, runRequestCase } from "../expectations/requests/run.ts";
import type { RequestCase } from "../expectations/requests/types.ts";
import type { FlowResult } from "../expectations/run.ts";
import type { Config } from "../node/config.ts";
import { readConfigFile } from "../node/read-config.ts";
import { loadObjects } from "../specs/load.ts";
import { attempt, besides, documentsOf } from "./case-files.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, optionsOf } from "./session.ts";
import type { ClusterRun } from "./test-cluster.ts";

/** The controller of cases that give their Ingresses in place and name none. */
const CONTROLLER = "example.com/kpc";

/** Runs the case in the file at `path` on each engine. */
export async function runRequests(
  testCase: RequestCase,
  path: string,
  { flags, engines }: { readonly flags: CommonFlags; readonly engines: readonly RequestEngine[] },
): Promise<ClusterRun> {
  const { compiled, diagnostics } = compileRequestCase(testCase, path, flags);
  if (compiled === undefined) return { results: undefined, diagnostics };
  const results: FlowResult[] = [];
  for (const engine of engines) {
    results.push(...(await runRequestCase(testCase, compiled, engine)));
    results.push(...runInvalid(testCase, engine.name));
  }
  return { results, diagnostics };
}

/** The program of the case in the file at `path`; undefined where something is wrong with its objects. */
export function compileRequestCase(
  testCase: RequestCase,
  path: string,
  flags: CommonFlags,
): { readonly compiled: Compiled | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const early: Diagnostic[] = [];
  const config = configOf(testCase, path, (finding) => void early.push(finding));
  const load = (report: Report): ReturnType<typeof loadObjects> => {
    for (const finding of early) report(finding);
    return loadObjects(objectsOf(testCase, path, report), report);
  };
  return compileSpecs(load, config, optionsOf(flags));
}

function configOf(
  { files, config, controller, externalNames, requests }: RequestCase,
  path: string,
  report: Report,
): Config {
  const read =
    config && attempt(() => readConfigFile(readSource(besides(path, config.value)), report), config.field, report);
  const isOverTls = requests.some(({ request: { scheme } }) => scheme === "https");
  const inPlace = files.length > 0 ? {} : { ingressController: CONTROLLER };
  return {
    ...inPlace,
    ...(files.length === 0 && isOverTls ? { defaultCertificate: DEFAULT_CERTIFICATE } : {}),
    ...read,
    ...(controller === undefined ? {} : { ingressController: controller }),
    ...(externalNames === undefined ? {} : { allowExternalNames: externalNames }),
  };
}

function objectsOf(testCase: RequestCase, path: string, report: Report): Field[] {
  const { files, ingressClasses, services = [], endpointSlices = [], ingresses, objects, secrets } = testCase;
  const needsDefault = files.length === 0 && testCase.requests.some(({ request: { scheme } }) => scheme === "https");
  const names = [...secrets, ...(needsDefault ? [DEFAULT_CERTIFICATE] : [])];
  const made = [...impliedObjects(testCase), ...names.map((name) => throwawaySecret(name, ["kpc.invalid"]))];
  const source = { name: `<made for ${path}>`, text: made.map((object) => JSON.stringify(object)).join("\n---\n") };
  return [
    ...files.flatMap((file) => documentsOf(file, path, report)),
    ...ingressClasses,
    ...services,
    ...endpointSlices,
    ...ingresses,
    ...objects,
    ...(made.length === 0 ? [] : [...readDocuments(source, report)].map(Field.root)),
  ];
}
