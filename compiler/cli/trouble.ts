/** Something that keeps a command from doing its work: exit code 2. */
export class Trouble extends Error {}
