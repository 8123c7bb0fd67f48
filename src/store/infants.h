/* infants.h - who is listened to. */
#ifndef MEWL_STORE_INFANTS_H
#define MEWL_STORE_INFANTS_H

#include "store/store.h"

typedef struct mewl_store_infant {
    int64_t id; /* never used again, not even after deletion */
    char name[MEWL_STORE_NAME_MAX];
    int64_t born_ms;     /* midnight UTC of the day of birth */
    char sex;            /* 'f', 'm', or 'x': not said */
    double alarm_days;   /* at most one false alarm in this many days; 0.1 to 3650 */
    bool keep_clips;     /* whether recordings are kept beside the database */
    int64_t clips_bytes; /* most room for them; >= 0 */
    int64_t created_ms;
} mewl_store_infant;

/* Adds an infant; *id is its number (infant->id is not read). MEWL_E_STATE when the name is taken (letters A to Z count
 * as a to z); MEWL_E_ARG for a name that is empty, too long or holds control characters, or a figure out of range. */
mewl_status mewl_store_infant_add(mewl_store *store, int64_t *id, const mewl_store_infant *infant, mewl_error *err);

/* Writes all of an infant's fields but id and created_ms. As add; MEWL_E_NOT_FOUND. */
mewl_status mewl_store_infant_update(mewl_store *store, const mewl_store_infant *infant, mewl_error *err);

/* By name. MEWL_E_NOT_FOUND names the infants there are. */
mewl_status mewl_store_infant_find(mewl_store *store, mewl_store_infant *out, const char *name, mewl_error *err);

/* All, in the order in which they were added. */
mewl_status mewl_store_infant_each(mewl_store *store, mewl_status (*row)(void *user, const mewl_store_infant *infant),
                                   void *user, mewl_error *err);

/* What there is of an infant. Times are 0 where there is nothing. */
typedef struct mewl_store_totals {
    int64_t recordings; /* those without a cry, too */
    int64_t cries;      /* recordings with one, clear enough to compare or not */
    int64_t usable, enrolled, clips;
    int64_t sessions;          /* in which there was a cry */
    int64_t first_ms, last_ms; /* of its recordings' starts */
    int64_t unusual;           /* recordings that were noted as such */
    int64_t alerts, unseen;
} mewl_store_totals;

mewl_status mewl_store_infant_totals(mewl_store *store, mewl_store_totals *out, int64_t id, mewl_error *err);

/* Removes an infant and every row that belongs to it. Clips are files and the caller's; so is mewl_store_scrub.
 * MEWL_E_NOT_FOUND. */
mewl_status mewl_store_infant_delete(mewl_store *store, int64_t id, mewl_error *err);

#endif
