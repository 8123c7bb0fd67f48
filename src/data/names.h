/* names.h - how each set names its files: one function a set, of the form mewl_reader.name. Private to readers. */
#ifndef MEWL_DATA_NAMES_H
#define MEWL_DATA_NAMES_H

#include "data/readers.h"

#define MEWL__SCRATCH 4096 /* bytes behind `scratch` */
#define MEWL__PUT_MAX 480  /* bytes one mewl__put may write: eight of them fit */

/* Formats into *scratch (cut at MEWL__PUT_MAX), moves it on, returns the text. */
const char *mewl__put(char **scratch, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fill `row` (set, label, group, speaker and whatever else the name tells) from a path relative to the set's folder;
 * texts that are not parts of `relative` go to `scratch` (MEWL__SCRATCH bytes). False: the name is not of this set's
 * form. */
bool mewl__name_donateacry(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_esc50(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_esc10(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_urbansound8k(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_catmeows(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_speech_commands(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_librispeech(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_speakers(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_baby_laugh(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_rooms(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_cryceleb(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_chillanto(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_lockhart_bouron(const char *relative, mewl_row *row, char *scratch);
bool mewl__name_folders(const char *relative, mewl_row *row, char *scratch);

/* Sets that come with tables instead of telling names: read the tables below `root` into *out (the caller finis it) and
 * count in *left_out the rows that they could not take apart. Errors: MEWL_E_FORMAT naming file and line, I/O. */
mewl_status mewl__table_kaldi(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err);
mewl_status mewl__table_audiofolder(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err);
mewl_status mewl__table_icsd(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err);

/* Whether the folder `root` looks like one of these sets, by the files in it alone. */
bool mewl__detect_kaldi(const char *root);
bool mewl__detect_audiofolder(const char *root);
bool mewl__detect_icsd(const char *root);
bool mewl__detect_rooms(const char *root);
bool mewl__detect_chillanto(const char *root);

#endif
