/* text.h - what this room needs of text: numbers and times that are checked whole, folders of paths, the nearest known
 * word. Private to the room. */
#ifndef MEWL_DATA_TEXT_H
#define MEWL_DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define MEWL__PATH_MAX 4096

/* A decimal number that fills the whole text (no hex, no "inf") and lies in [low, high]. */
bool mewl__parse_number(double *out, const char *text, double low, double high);

/* "2015-05-04T12:23:17.123Z" (fraction and Z optional, UTC), or seconds since 1970, as seconds since 1970. */
bool mewl__parse_time(double *out, const char *text);

/* ISO 8601 UTC to the millisecond, without the fraction when it is zero. */
void mewl__format_time(char *out, size_t size, double time_s);

/* Folder part of a path without its last slash ("" for a bare name). False when it does not fit. */
bool mewl__folder_of(char *out, size_t size, const char *path);

/* File part of a path: points into it. */
const char *mewl__base_name(const char *path);

/* Copies `text` in lower case with everything but letters and digits as single '-' ("Dog bark" -> "dog-bark"). */
void mewl__slug(char *out, size_t size, const char *text);

/* The one of `count` known words nearest to `word` by edits (a swap of neighbours counts one), or NULL when none is
 * within a third of its length. */
const char *mewl__nearest(const char *word, const char *const *known, size_t count);

#endif
