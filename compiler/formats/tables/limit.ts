/** What cannot be put into a table. */
export class TableLimit extends Error {}
