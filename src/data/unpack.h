/* unpack.h - zip and tar archives into a folder, by libarchive: the one place that includes it. libarchive is taken
 * because archives from outside need care (names that climb out, links, bombs) and one library does both kinds; nothing
 * is run. */
#ifndef MEWL_DATA_UNPACK_H
#define MEWL_DATA_UNPACK_H

#include "base/progress.h"
#include "base/status.h"

#include <stdint.h>

#define MEWL_UNPACK_FILES_MAX 4000000

/* Unpacks regular files and folders of `archive` under `folder` (made when absent). Entries whose names climb out, are
 * absolute or pass through links are refused as MEWL_E_FORMAT, links and devices are left out; more than max_bytes
 * unpacked is MEWL_E_MEMORY. Errors name the archive and entry. */
mewl_status mewl_unpack(const char *archive, const char *folder, int64_t max_bytes, const mewl_progress *progress,
                        mewl_error *err);

#endif
