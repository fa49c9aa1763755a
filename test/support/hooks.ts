/** Packets that are led through the hooks of a node one at a time. */
import type { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import type { Environment, Packet, RouteQuery } from "../../compiler/evaluate/packet.ts";
import type { Passage } from "../../compiler/evaluate/passage.ts";
import { required } from "../../compiler/invariant.ts";
import type { Hook } from "../../compiler/ir/types.ts";

/** All that can become of `packet` on its whole way, by `environment.route`. */
export function throughHooks(evaluator: Evaluator, packet: Packet, environment: Environment): Passage[] {
  const findRoute = required(environment.route, "routes are known");
  const route = (at: RouteQuery["at"], passage: Passage): Passage => {
    const query = passage.end === undefined ? passage.query(at) : undefined;
    return query === undefined ? passage : passage.routed(findRoute(query));
  };
  const enter = (hook: Hook, passages: readonly Passage[]): Passage[] =>
    passages.flatMap((passage) => (isOnItsWay(passage) ? evaluator.enter(hook, passage) : [passage]));
  const start = evaluator.start(packet, environment);
  if (packet.inInterface !== undefined)
    return enter("prerouting", [start]).flatMap((passage) => {
      const own = route("prerouting", passage);
      return own.route?.kind === "local" ? enter("input", [own]) : enter("postrouting", enter("forward", [own]));
    });
  const sent = enter("output", [route("sending", start)]).map((passage) =>
    isOnItsWay(passage) ? route("output", passage) : passage,
  );
  return enter("postrouting", sent).flatMap((passage) => {
    if (!isOnItsWay(passage) || passage.route?.kind !== "local") return [passage];
    return enter("input", enter("prerouting", [passage.loopBack()]));
  });
}

function isOnItsWay({ end, route }: Passage): boolean {
  return end === undefined && route?.kind !== "none";
}
