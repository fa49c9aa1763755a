/** What `kpc agent` says of objects that get no rules. */
import type { NodeTables } from "../updates/node-tables.ts";

/** Gives a function that logs each object with an error and each Service that another one has taken an address from: once, while that is so. */
export function tellFindings(
  tables: Pick<NodeTables, "findings" | "conflicts">,
  log: (line: string) => void,
): () => void {
  let told: ReadonlySet<string> = new Set();
  return () => {
    const now = new Set<string>();
    for (const [service, found] of tables.findings)
      for (const { severity, message } of found) {
        if (severity !== "error") continue;
        now.add(
          service === ""
            ? `settings stay as they were: ${message}`
            : `Service ${service} keeps the rules that it had: ${message}`,
        );
      }
    for (const [service, lost] of tables.conflicts)
      for (const what of lost) now.add(`Service ${service} gets no rule for one of its addresses: ${what}`);
    for (const line of now) if (!told.has(line)) log(line);
    told = now;
  };
}
