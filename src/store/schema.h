/* schema.h - the tables, as the steps that lead from an empty file to the present schema. Private to the room.
 *
 * A step that was released is never changed: what is new is a new step. docs/store.md tells what the tables hold. */
#ifndef MEWL_STORE_SCHEMA_H
#define MEWL_STORE_SCHEMA_H

#include <sqlite3.h>

/* "Mewl" as a number, in the file's header (PRAGMA application_id): no other program's database is taken for ours. */
#define MEWL__SCHEMA_ID 0x4d65776c

/* The SQL that leads from version - 1 to `version` (1 to MEWL_STORE_VERSION); NULL outside. */
const char *mewl__schema_step(int version);

#endif
