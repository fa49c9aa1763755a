/** `kpc lab collect-script`. */
import { COLLECT_SCRIPT } from "../hostfiles/collect.ts";
import { EXIT, print } from "./output.ts";

/** Prints the script that writes the files of a node into a folder. */
export async function labCollectCommand(): Promise<number> {
  await print(COLLECT_SCRIPT);
  return EXIT.fine;
}
