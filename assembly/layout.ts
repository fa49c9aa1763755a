// Shared by asc and tsc: integer constants and nothing else.

/** Stands in every table and is exported by the engine; loading compares the two. */
export const LAYOUT_VERSION = 0;
