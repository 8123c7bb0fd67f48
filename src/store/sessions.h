/* sessions.h - which session a recording falls into. Private to the room; sessions are read by recordings.h. */
#ifndef MEWL_STORE_SESSIONS_H
#define MEWL_STORE_SESSIONS_H

#include "store/recordings.h"
#include "store/statement.h"

/* The session of a recording from start_ms to end_ms: one less than MEWL_STORE_SESSION_GAP_MS away, widened, others so
 * near merged into it; or a new one. Within a transaction. */
mewl_status mewl__session_for(mewl_store *store, int64_t *session_id, int64_t infant_id, int64_t start_ms,
                              int64_t end_ms, mewl_error *err);

#endif
