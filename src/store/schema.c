/* schema.c - see schema.h. Sizes are checked here as well as in C, since the file may be written by others; a text's
 * bytes count, not its characters. */
#include "store/schema.h"

#include <stddef.h>

#include "store/store.h"

/* Who, where, when: recordings, and the embeddings of them. */
static const char first[] =
    "CREATE TABLE infants ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    " born_ms INTEGER NOT NULL,"
    " sex TEXT NOT NULL CHECK (sex IN ('f', 'm', 'x')),"
    " alarm_days REAL NOT NULL CHECK (alarm_days BETWEEN 0.1 AND 3650),"
    " created_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE sources ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    " first_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE sessions ("
    " id INTEGER PRIMARY KEY,"
    " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
    " start_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL CHECK (end_ms >= start_ms)) STRICT;"
    "CREATE INDEX sessions_by_time ON sessions(infant_id, start_ms, end_ms);"
    "CREATE INDEX sessions_by_end ON sessions(infant_id, end_ms);"
    "CREATE TABLE recordings ("
    " id INTEGER PRIMARY KEY,"
    " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
    " session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,"
    " source_id INTEGER REFERENCES sources(id) ON DELETE SET NULL,"
    " start_ms INTEGER NOT NULL,"
    " duration_s REAL NOT NULL CHECK (duration_s >= 0),"
    " time_from TEXT NOT NULL CHECK (time_from IN ('given', 'name', 'file')),"
    " role TEXT NOT NULL CHECK (role IN ('enrolled', 'scored')),"
    " usable INTEGER NOT NULL CHECK (usable IN (0, 1)),"
    " why TEXT CHECK (length(CAST(why AS BLOB)) <= 512),"
    " file TEXT NOT NULL CHECK (length(CAST(file AS BLOB)) <= 1024),"
    " hash TEXT NOT NULL CHECK (length(hash) = 64),"
    " clip TEXT CHECK (length(CAST(clip AS BLOB)) <= 1024),"
    " cry_s REAL,"
    " confidence REAL,"
    " level_dbfs REAL,"
    " snr_db REAL,"
    " clipped_share REAL,"
    " added_ms INTEGER NOT NULL,"
    " UNIQUE (infant_id, hash)) STRICT;"
    "CREATE INDEX recordings_by_time ON recordings(infant_id, start_ms);"
    "CREATE INDEX recordings_by_session ON recordings(session_id);"
    "CREATE INDEX recordings_by_source ON recordings(source_id);"
    "CREATE TABLE models ("
    " id INTEGER PRIMARY KEY,"
    " kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 64),"
    " name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    " hash TEXT NOT NULL CHECK (length(hash) BETWEEN 16 AND 64),"
    " dimensions INTEGER NOT NULL CHECK (dimensions BETWEEN 0 AND 4096),"
    " first_ms INTEGER NOT NULL,"
    " UNIQUE (kind, hash)) STRICT;"
    "CREATE TABLE embeddings ("
    " recording_id INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,"
    " model_id INTEGER NOT NULL REFERENCES models(id),"
    " vector BLOB NOT NULL CHECK (length(vector) <= 16384 AND length(vector) % 4 = 0),"
    " PRIMARY KEY (recording_id, model_id)) STRICT;"
    "CREATE INDEX embeddings_by_model ON embeddings(model_id);";

/* The timeline, whose kinds of entries have become more since. */
#define TIMELINE(name, kinds)                                                                                          \
    "CREATE TABLE " name " ("                                                                                          \
    " id INTEGER PRIMARY KEY,"                                                                                         \
    " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"                                            \
    " time_ms INTEGER NOT NULL,"                                                                                       \
    " kind TEXT NOT NULL CHECK (kind IN (" kinds ")),"                                                                 \
    " session_id INTEGER REFERENCES sessions(id) ON DELETE CASCADE,"                                                   \
    " recordings INTEGER NOT NULL,"                                                                                    \
    " gate INTEGER NOT NULL,"                                                                                          \
    " score REAL,"                                                                                                     \
    " p_value REAL CHECK (p_value BETWEEN 0 AND 1),"                                                                   \
    " p_step REAL,"                                                                                                    \
    " calibration TEXT CHECK (length(CAST(calibration AS BLOB)) <= 64),"                                               \
    " learned INTEGER NOT NULL CHECK (learned IN (0, 1)),"                                                             \
    " held_apart INTEGER NOT NULL CHECK (held_apart IN (0, 1)),"                                                       \
    " channel TEXT CHECK (length(CAST(channel AS BLOB)) <= 64),"                                                       \
    " z REAL,"                                                                                                         \
    " evidence REAL,"                                                                                                  \
    " coverage REAL,"                                                                                                  \
    " text TEXT CHECK (length(CAST(text AS BLOB)) <= 512)) STRICT;"
#define TIMELINE_INDEXES(kinds)                                                                                        \
    "CREATE INDEX timeline_by_time ON timeline(infant_id, time_ms);"                                                   \
    "CREATE UNIQUE INDEX timeline_one_a_session ON timeline(session_id) WHERE kind IN"                                 \
    " (" kinds ");"                                                                                                    \
    "CREATE INDEX timeline_by_session ON timeline(session_id);"
#define SESSIONS "'enrolled', 'usual', 'unusual', 'unusable'"
#define KINDS "'enrolled', 'usual', 'unusual', 'unusable', 'change', 'device', 'note'"

/* What was concluded: voice measures, personal models, scores, timeline, coverage, alerts. */
static const char second[] =
    "CREATE TABLE measures ("
    " recording_id INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    " value REAL,"
    " PRIMARY KEY (recording_id, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE personals ("
    " id INTEGER PRIMARY KEY,"
    " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
    " model_id INTEGER NOT NULL REFERENCES models(id),"
    " kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 64),"
    " made_ms INTEGER NOT NULL,"
    " recordings INTEGER NOT NULL,"
    " sessions INTEGER NOT NULL,"
    " data BLOB CHECK (length(data) <= 67108864)) STRICT;"
    "CREATE INDEX personals_by_infant ON personals(infant_id, model_id, kind, id);"
    "CREATE INDEX personals_by_model ON personals(model_id);"
    "CREATE TABLE scores ("
    " recording_id INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,"
    " kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 64),"
    " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
    " session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,"
    " model_id INTEGER REFERENCES models(id),"
    " personal_id INTEGER REFERENCES personals(id) ON DELETE SET NULL,"
    " time_ms INTEGER NOT NULL,"
    " score REAL,"
    " p_value REAL CHECK (p_value BETWEEN 0 AND 1),"
    " verdict TEXT NOT NULL CHECK (verdict IN ('learning', 'usual', 'unusual', 'unusable')),"
    " PRIMARY KEY (recording_id, kind)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX scores_by_time ON scores(infant_id, time_ms, session_id, model_id, personal_id, score, p_value, "
    "verdict);"
    "CREATE INDEX scores_by_session ON scores(session_id);"
    "CREATE INDEX scores_by_model ON scores(model_id);"
    "CREATE INDEX scores_by_personal ON scores(personal_id);" TIMELINE("timeline", KINDS) TIMELINE_INDEXES(
        SESSIONS) "CREATE TABLE coverage ("
                  " id INTEGER PRIMARY KEY,"
                  " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
                  " source_id INTEGER REFERENCES sources(id) ON DELETE SET NULL,"
                  " from_ms INTEGER NOT NULL,"
                  " to_ms INTEGER NOT NULL CHECK (to_ms >= from_ms),"
                  " heard_s REAL NOT NULL CHECK (heard_s >= 0)) STRICT;"
                  "CREATE INDEX coverage_by_time ON coverage(infant_id, from_ms, to_ms, source_id, heard_s);"
                  "CREATE INDEX coverage_by_source ON coverage(source_id);"
                  "CREATE TABLE alerts ("
                  " id INTEGER PRIMARY KEY,"
                  " infant_id INTEGER NOT NULL REFERENCES infants(id) ON DELETE CASCADE,"
                  " time_ms INTEGER NOT NULL,"
                  " told_ms INTEGER NOT NULL,"
                  " kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 64),"
                  " session_id INTEGER REFERENCES sessions(id) ON DELETE CASCADE,"
                  " p_value REAL CHECK (p_value BETWEEN 0 AND 1),"
                  " alarm_days REAL NOT NULL,"
                  " seen_ms INTEGER,"
                  " text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 512)) STRICT;"
                  "CREATE INDEX alerts_by_time ON alerts(infant_id, time_ms);"
                  "CREATE UNIQUE INDEX alerts_one_a_session ON alerts(session_id, kind) WHERE session_id IS NOT NULL;";

/* Clips are kept only where the family wants them, and no more than there is room for. */
static const char third[] =
    "ALTER TABLE infants ADD COLUMN keep_clips INTEGER NOT NULL DEFAULT 1 CHECK (keep_clips IN (0, 1));"
    "ALTER TABLE infants ADD COLUMN clips_bytes INTEGER NOT NULL DEFAULT 1000000000 CHECK (clips_bytes >= 0);";

/* What the family says of a change. A bound of a column cannot be altered: the table is written anew. */
#define TIMELINE_MOVED                                                                                                 \
    "INSERT INTO timeline SELECT id, infant_id, time_ms, kind, session_id, recordings, gate, score, p_value, p_step, " \
    "calibration, learned, held_apart, channel, z, evidence, coverage, text FROM timeline_before;"                     \
    "DROP TABLE timeline_before;"
static const char fourth[] =
    "ALTER TABLE timeline RENAME TO timeline_before;" TIMELINE("timeline", KINDS ", 'accepted', 'dismissed'")
        TIMELINE_MOVED TIMELINE_INDEXES(SESSIONS);

/* Sessions of which too little was known to compare them: until then they were written down as usual ones. */
static const char fifth[] = "ALTER TABLE timeline RENAME TO timeline_before;" TIMELINE(
    "timeline", KINDS ", 'accepted', 'dismissed', 'learning'")
    TIMELINE_MOVED TIMELINE_INDEXES(
        SESSIONS
        ", 'learning'") "UPDATE timeline SET kind = 'learning', p_value = NULL, p_step = NULL, text = 'not compared: "
                        "too little was known '"
                        " || 'yet of what is usual' WHERE kind IN ('usual', 'unusual') AND calibration = 'none';";

const char *mewl__schema_step(int version)
{
    static const char *const steps[MEWL_STORE_VERSION] = {first, second, third, fourth, fifth};
    return version >= 1 && version <= MEWL_STORE_VERSION ? steps[version - 1] : NULL;
}
