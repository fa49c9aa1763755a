/** Something that keeps a command from doing its work: exit code 2. */
export class Trouble extends Error {
  /** The system's code of the failure behind it, such as `EISDIR`. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}
