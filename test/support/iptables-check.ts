/** Asks iptables-restore about a text. */
import { inNamespace, withFiles } from "./kernel.ts";

/** A text for iptables-restore (`ip`) or ip6tables-restore (`ip6`). */
export interface RestoreText {
  readonly family: "ip" | "ip6";
  readonly text: string;
}

/** Those of `texts` that iptables-restore of `backend` refuses, each with its first complaint. */
export function refusedByIptables(texts: readonly RestoreText[], backend: "nft" | "legacy"): Promise<string[]> {
  return withFiles(
    texts.map(({ text }) => text),
    async (paths) => {
      const commands = paths.map((path, i) => {
        const tool = `${texts[i]?.family === "ip6" ? "ip6tables" : "iptables"}-${backend}-restore`;
        return `if complaint=$(${tool} --test ${path} 2>&1); then echo @; else echo "@ refused: $complaint" | head -n 1; fi`;
      });
      const { output } = await inNamespace(commands.join("\n"));
      const complaints = output.split("\n").filter((line) => line.startsWith("@"));
      if (complaints.length !== texts.length) throw new Error(output);
      return texts.flatMap(({ text }, i) => (complaints[i] === "@" ? [] : [`${complaints[i]}\n${text}`]));
    },
  );
}
