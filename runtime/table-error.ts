/** The bytes are no table that can be used. */
export class TableError extends Error {}
