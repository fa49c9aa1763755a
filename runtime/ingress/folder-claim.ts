/** One kpc at a time for a folder. */
import { createServer } from "node:net";
import { ProxyTrouble } from "./admin-socket.ts";

/** Claims `folder`, a path without links, until the process ends, however it ends: the claim is a name of a socket that the kernel forgets then. Rejects with
 *  ProxyTrouble where another process of this network namespace has it. */
export function claimFolder(folder: string): Promise<void> {
  const name = process.getBuiltinModule("node:crypto").createHash("sha256").update(folder).digest("hex");
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on("error", ({ message, code }: NodeJS.ErrnoException) =>
      reject(
        new ProxyTrouble(code === "EADDRINUSE" ? `another kpc ingress run has ${folder}` : `${folder}: ${message}`),
      ),
    );
    server.listen(`\0kpc-ingress-${name}`, () => resolve());
    server.unref();
  });
}
