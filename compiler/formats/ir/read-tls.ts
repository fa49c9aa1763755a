/** Which certificates are shown. */
import type { Certificate, TlsHost, TlsTable } from "../../ir/routes.ts";
import { fail, type JsonPlace, list, literal, object, optional, text } from "./shape.ts";

function readTime(json: JsonPlace): number {
  const written = text(json);
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(written) ? Date.parse(written) : Number.NaN;
  return Number.isNaN(time) ? fail(json, "a time, such as 2026-01-02T15:04:05.000Z") : time;
}

export const readTlsTable = object<TlsTable>({
  certificates: list(
    object<Omit<Certificate, "origin">>({ name: text, names: list(text), notBefore: readTime, notAfter: readTime }),
  ),
  hosts: list(
    object<Omit<TlsHost, "origin">>({
      host: text,
      labels: optional(literal("any")),
      certificate: optional(text),
      reason: optional(text),
    }),
  ),
  fallback: optional(text),
});
