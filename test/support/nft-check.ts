/** Asks nft about texts. */
import { inNamespace, withFiles } from "./kernel.ts";

/** Those of `texts` that nft or the kernel refuses, each with its first complaint. `nft -c` would not ask for hooks. */
export function refusedByNft(texts: readonly string[]): Promise<string[]> {
  return withFiles(texts, async (paths) => {
    const script = paths.map((path) => `nft flush ruleset; echo "@ $(nft -f ${path} 2>&1 | head -n 1)"`).join("\n");
    const { output } = await inNamespace(script);
    const complaints = output.split("\n").filter((line) => line.startsWith("@"));
    if (complaints.length !== texts.length) throw new Error(output);
    return texts.flatMap((text, i) => (complaints[i] === "@ " ? [] : [`${complaints[i]}\n${text}`]));
  });
}
