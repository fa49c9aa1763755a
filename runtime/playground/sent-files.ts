/** Files on their way to the worker: those that it has already are not copied to it again. */
import type { FileStates, InputFile, SentFile } from "./protocol.ts";

/** The page's side of it. A worker that is new has nothing: it needs a `FileSender` that is new. */
export class FileSender {
  private last: readonly InputFile[] = [];

  pack({ files, before }: FileStates<InputFile>): FileStates<SentFile> {
    const { last } = this;
    const packed = (file: InputFile): SentFile => {
      const index = last.indexOf(file);
      return index < 0 ? file : index;
    };
    this.last = [...files, ...before];
    return { files: files.map(packed), before: before.map(packed) };
  }
}

/** The worker's side of it. A file that is not sent again is the same object as before. */
export class FileReceiver {
  private last: readonly InputFile[] = [];

  unpack({ files, before }: FileStates<SentFile>): FileStates<InputFile> {
    const { last } = this;
    const unpacked = (sent: SentFile): InputFile => {
      const file = typeof sent === "number" ? last[sent] : sent;
      if (file === undefined) throw new RangeError("a file is meant that was never sent");
      return file;
    };
    const states = { files: files.map(unpacked), before: before.map(unpacked) };
    this.last = [...states.files, ...states.before];
    return states;
  }
}
