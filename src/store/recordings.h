/* recordings.h - what was heard: sources (microphones, folders of files), sessions, recordings and their measures.
 *
 * A session is crying at one time: recordings of an infant less than MEWL_STORE_SESSION_GAP_MS apart. Recordings of one
 * session are not independent of one another, so calibration and timeline go by session. */
#ifndef MEWL_STORE_RECORDINGS_H
#define MEWL_STORE_RECORDINGS_H

#include "store/store.h"

#define MEWL_STORE_SESSION_GAP_MS 3600000

typedef enum mewl_store_time_from {
    MEWL_STORE_TIME_GIVEN, /* said by the user, or by the clock while listening */
    MEWL_STORE_TIME_NAME,  /* from the file's name */
    MEWL_STORE_TIME_FILE   /* when the file was last changed: a guess */
} mewl_store_time_from;

typedef enum mewl_store_role { MEWL_STORE_ENROLLED, MEWL_STORE_SCORED } mewl_store_role;

typedef struct mewl_store_recording {
    int64_t id;
    int64_t infant_id;
    int64_t session_id; /* written by mewl_store_recording_add */
    int64_t source_id;  /* 0: not known */
    int64_t start_ms;
    double duration_s; /* >= 0 */
    mewl_store_time_from time_from;
    mewl_store_role role;
    bool usable;                    /* a cry that can be judged */
    char why[MEWL_STORE_TEXT_MAX];  /* why not; "" when usable */
    char file[MEWL_STORE_FILE_MAX]; /* its name where it came from */
    char hash[MEWL_STORE_HASH_MAX]; /* SHA-256 of the file */
    char clip[MEWL_STORE_FILE_MAX]; /* path of the kept clip below the store's folder; "": none is kept */
    double cry_s;                   /* seconds of crying found */
    double confidence;              /* of the surest cry, 0 to 1 */
    double level_dbfs, snr_db, clipped_share;
    int64_t added_ms;
} mewl_store_recording;

typedef struct mewl_store_session {
    int64_t id;
    int64_t infant_id;
    int64_t start_ms, end_ms; /* of its first and last recording */
    int64_t recordings;
} mewl_store_session;

typedef struct mewl_store_measure {
    char name[MEWL_STORE_NAME_MAX]; /* "f0_median_hz" */
    double value;
} mewl_store_measure;

/* The number of the source of that name (a microphone's, "files", ...), made when it is new. MEWL_E_ARG. */
mewl_status mewl_store_source(mewl_store *store, int64_t *id, const char *name, int64_t now_ms, mewl_error *err);
mewl_status mewl_store_source_name(mewl_store *store, char name[MEWL_STORE_NAME_MAX], int64_t id, mewl_error *err);

/* Adds a recording and writes id and session_id into it: the session that it falls into, widened; two sessions that it
 * joins become the earlier one, with all that belongs to them; or a new one. Several statements: within a transaction
 * of the caller's, or in one of its own. MEWL_E_STATE when the infant has a recording of the same hash (its id is then
 * in recording->id); MEWL_E_ARG; MEWL_E_NOT_FOUND: no such infant or source. */
mewl_status mewl_store_recording_add(mewl_store *store, mewl_store_recording *recording, mewl_error *err);

/* Changes role and clip. MEWL_E_NOT_FOUND. */
mewl_status mewl_store_recording_mark(mewl_store *store, int64_t id, mewl_store_role role, const char *clip,
                                      mewl_error *err);

/* The infant's recording of that hash, MEWL_E_NOT_FOUND. */
mewl_status mewl_store_recording_find(mewl_store *store, mewl_store_recording *out, int64_t infant_id, const char *hash,
                                      mewl_error *err);

/* Recordings that start in [from_ms, to_ms), by time. */
mewl_status mewl_store_recording_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                      mewl_status (*row)(void *user, const mewl_store_recording *recording), void *user,
                                      mewl_error *err);

/* Sessions that start in [from_ms, to_ms), by time. */
mewl_status mewl_store_session_each(mewl_store *store, int64_t infant_id, int64_t from_ms, int64_t to_ms,
                                    mewl_status (*row)(void *user, const mewl_store_session *session), void *user,
                                    mewl_error *err);
/* One by its number; that of the recording that begins at a time. MEWL_E_NOT_FOUND. */
mewl_status mewl_store_session_at(mewl_store *store, int64_t *id, int64_t infant_id, int64_t time_ms, mewl_error *err);
mewl_status mewl_store_session_get(mewl_store *store, mewl_store_session *out, int64_t id, mewl_error *err);

/* Writes measures of a recording's voice, replacing those of the same names. MEWL_E_ARG. */
mewl_status mewl_store_measures_put(mewl_store *store, int64_t recording_id, const mewl_store_measure *measures,
                                    size_t count, mewl_error *err);

/* Measures of an infant's recordings that start in [from_ms, to_ms): by time, then by name. `name` NULL: all. */
mewl_status mewl_store_measure_each(mewl_store *store, int64_t infant_id, const char *name, int64_t from_ms,
                                    int64_t to_ms,
                                    mewl_status (*row)(void *user, int64_t recording_id, int64_t start_ms,
                                                       const mewl_store_measure *measure),
                                    void *user, mewl_error *err);

#endif
