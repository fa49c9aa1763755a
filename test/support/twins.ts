/** Services that are others but for their names. */
import type { Manifest } from "./arbitraries.ts";

export type NamedManifest = Manifest & {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
};

export function nameOf({ kind, metadata }: NamedManifest): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

/** The same with addresses, a node port and a name of its own. */
export function twinOf(object: NamedManifest, by: number, word = "twin"): NamedManifest {
  const { namespace, name } = object.metadata;
  const text = JSON.stringify(object)
    .replaceAll(/"(\d+\.\d+\.\d+)\.(\d+)"/g, (_, net: string, host: string) => `"${net}.${((+host + by) % 250) + 1}"`)
    .replaceAll(/"((?:[0-9a-f]*:)+)([0-9a-f]{1,4})"/g, (_, net: string, host: string) => {
      return `"${net}${(((Number.parseInt(host, 16) + by) % 0xfff0) + 1).toString(16)}"`;
    })
    .replaceAll(/"nodePort":(\d+)/g, (_, port: string) => `"nodePort":${30_000 + ((+port + by) % 2768)}`)
    .replaceAll(`"kubernetes.io/service-name":"`, `"kubernetes.io/service-name":"${word}-`);
  const twin = JSON.parse(text) as NamedManifest;
  return {
    ...twin,
    metadata: { ...twin.metadata, ...(namespace === undefined ? {} : { namespace }), name: `${word}-${name}` },
  };
}

/** The Service that an object is of. */
export function serviceOf({ kind, metadata }: NamedManifest): string | undefined {
  const { labels } = metadata as { readonly labels?: Readonly<Record<string, string>> };
  const name = kind === "EndpointSlice" ? labels?.["kubernetes.io/service-name"] : metadata.name;
  return kind === "Service" || kind === "EndpointSlice" ? `${metadata.namespace}/${name}` : undefined;
}

const TWINS = [7, 23, 97, 161];

/** `objects` with several twins of each object of a Service. */
export function withTwins(objects: readonly NamedManifest[]): NamedManifest[] {
  return objects.flatMap((object) =>
    serviceOf(object) === undefined ? [object] : [object, ...TWINS.map((by) => twinOf(object, by, `twin-${by}`))],
  );
}
