/** `kpc picture --service`: who reaches which endpoints of a Service. */
import { resolveInput } from "../compile.ts";
import { nearest } from "../documents/nearest.ts";
import { type ServicePort, servicePortName } from "../model/types.ts";
import { FAMILIES } from "../net/address.ts";
import { resolveConfig } from "../node/resolve.ts";
import { drawFanOuts } from "../pictures/service/draw.ts";
import { fanOutOf } from "../pictures/service/fan-out.ts";
import { type PictureFlags, printScene } from "./picture-output.ts";
import { EXIT, exitCodeOf, inputsOf, optionsOf, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Ports that one picture has room for. */
const MOST_PORTS = 4;

/** Of the Service `wanted` (NAME or NAMESPACE/NAME, with :PORT for one port), as the node of the flags sees it, else the first one. */
export async function pictureOfService(names: readonly string[], wanted: string, flags: PictureFlags): Promise<number> {
  if (flags.output !== "svg") throw new Trouble(`--service: expected -o svg, found -o ${flags.output}`);
  const { load, config } = inputsOf(names, flags);
  const { diagnostics, resolved } = resolveInput(load, config, optionsOf(flags), (common, specs, report) => {
    const [first] = specs.nodes.map(({ meta }) => meta.name).sort();
    const nodeName = common.nodeName ?? first;
    return [resolveConfig(nodeName === undefined ? common : { ...common, nodeName }, specs, report)];
  });
  showDiagnostics(diagnostics, flags);
  const [seen] = resolved?.nodes ?? [];
  if (resolved === undefined || seen === undefined) return exitCodeOf(diagnostics);
  const { cluster } = resolved;
  const ports = portsNamed(
    FAMILIES.flatMap((family) => cluster.servicePorts[family]),
    wanted,
  );
  const [first] = ports;
  if (first === undefined) return EXIT.trouble;
  const { node, settings } = seen;
  const context = { nodes: cluster.nodes, pods: cluster.pods, node, settings };
  const shown = ports.slice(0, MOST_PORTS);
  const title = {
    service: `${first.namespace}/${first.name}`,
    seenFrom: node.name ?? "a node without a name",
    mode: settings.mode,
    left: ports.length - shown.length,
  };
  await printScene(
    drawFanOuts(
      shown.map((port) => fanOutOf(port, context)),
      title,
    ),
    flags,
  );
  return EXIT.fine;
}

/** The ports that `wanted` names, of one Service. Throws `Trouble` where there is none, or more than one Service. */
function portsNamed(ports: readonly ServicePort[], wanted: string): readonly ServicePort[] {
  const word = wanted.replace(/^svc\//, "");
  const namesOf = (port: ServicePort): string[] => {
    const full = `${port.namespace}/${port.name}`;
    return [full, port.name].flatMap((name) => [name, `${name}:${port.portName}`, `${name}:${port.port}`]);
  };
  const found = ports.filter((port) => namesOf(port).includes(word));
  const services = [...new Set(found.map(({ namespace, name }) => `${namespace}/${name}`))];
  if (services.length > 1)
    throw new Trouble(`--service: "${wanted}" is ${services.join(" or ")}: expected NAMESPACE/NAME`);
  if (found.length > 0) return found;
  const near = nearest(
    word,
    ports.flatMap((port) => [servicePortName(port), ...namesOf(port)]),
  );
  throw new Trouble(
    `--service: the input has no Service with a port and a cluster IP named "${wanted}"${near === undefined ? "" : `, did you mean "${near}"?`}`,
  );
}
