/** What is added to the rules of a namespace, as the kernel tells it while it happens: messages of nf_tables. */
import { closeSync, openSync, readSync } from "node:fs";

export class RuleMonitor {
  private readonly file: number;
  private at = 0;
  private text = "";
  private readonly buffer = Buffer.alloc(1 << 16);

  /** `path`: where the messages are written to. */
  constructor(path: string) {
    this.file = openSync(path, "r");
  }

  /** Forgets everything up to now. */
  forget(): void {
    this.read();
    this.text = "";
  }

  /** Whether something with the IPv4 address `address` in it has been added since. */
  saw(address: string): boolean {
    this.read();
    return this.text.includes(String.fromCharCode(...address.split(".").map(Number)));
  }

  close(): void {
    closeSync(this.file);
  }

  private read(): void {
    for (;;) {
      const count = readSync(this.file, this.buffer, 0, this.buffer.length, this.at);
      if (count === 0) return;
      this.at += count;
      this.text += this.buffer.toString("latin1", 0, count);
    }
  }
}
