/** The router of Ingresses and Gateways for programs: runs in Node.js, in pages and in workers. */
import { Router } from "./router.ts";

export type { NamedText, PathReplacement, RouteFilter } from "../../compiler/ir/routes.ts";
export { TableError } from "../table-error.ts";
export type * from "./router.ts";
export type * from "./routing.ts";

/** A router with the table that `kpc compile -o router` printed. Throws `TableError` when it is none, and `TypeError` when it is not
 *  bytes. */
export function createRouter(table: Uint8Array): Router {
  return new Router(table);
}
