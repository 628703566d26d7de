// The schema that this program reads and writes: the number of the newest migration. In a file of its own, so that
// opening a vault whose schema is right loads no migration.

export const SCHEMA_VERSION = 5;
