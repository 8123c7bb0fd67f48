/* tables.c - sets that describe themselves in files of their own: Kaldi data folders, Hugging Face AudioFolder, and the
 * DESED layout that ICSD uses. Private parts of readers.h. Nothing named in such a file is ever executed. */
#include "base/file.h"
#include "base/folder.h"
#include "data/csv.h"
#include "data/names.h"
#include "data/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TABLE_BYTES_MAX ((size_t)1 << 28)

static bool join(char *out, const char *folder, const char *name)
{
    return snprintf(out, MEWL__PATH_MAX, "%s/%s", folder, name) < MEWL__PATH_MAX;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool has_file(const char *root, const char *name)
{
    char path[MEWL__PATH_MAX];
    return join(path, root, name) && exists(path) && !mewl_folder_exists(path);
}

/* ---- Kaldi ---- */

/* A Kaldi text file: one key a line, then the rest of the line. Sorted by key for look-up; lines kept for messages. */
typedef struct kaldi_entry {
    const char *key, *value;
    size_t line;
} kaldi_entry;

typedef struct kaldi_table {
    char *text;
    char path[MEWL__PATH_MAX];
    kaldi_entry *entries;
    size_t count;
} kaldi_table;

static void kaldi_fini(kaldi_table *table)
{
    free(table->text);
    free(table->entries);
    memset(table, 0, sizeof *table);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const kaldi_entry *)a)->key, ((const kaldi_entry *)b)->key);
}

static const kaldi_entry *kaldi_find(const kaldi_table *table, const char *key)
{
    kaldi_entry wanted = {.key = key};
    return table->count == 0 ? NULL : bsearch(&wanted, table->entries, table->count, sizeof wanted, compare_entries);
}

static mewl_status kaldi_read(kaldi_table *table, const char *root, const char *name, bool needed, mewl_error *err)
{
    memset(table, 0, sizeof *table);
    if (!needed && !has_file(root, name)) {
        return MEWL_OK;
    }
    if (!join(table->path, root, name)) {
        return mewl_error_set(err, MEWL_E_ARG, "%.200s: path too long", root);
    }
    size_t size;
    MEWL_TRY(mewl_file_read_all(&table->text, &size, table->path, TABLE_BYTES_MAX, err));
    if (strlen(table->text) != size) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: holds NUL bytes", table->path);
    }
    size_t capacity = 0, line = 0;
    for (char *at = table->text; *at != '\0';) {
        char *end = at + strcspn(at, "\n");
        bool last = *end == '\0';
        *end = '\0';
        line++;
        if (end > at && end[-1] == '\r') {
            end[-1] = '\0';
        }
        at += strspn(at, " \t");
        if (*at != '\0') {
            char *value = at + strcspn(at, " \t");
            if (*value == '\0') {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: a key and nothing after it", table->path, line);
            }
            *value++ = '\0';
            value += strspn(value, " \t");
            for (char *tail = value + strlen(value); tail > value && strchr(" \t", tail[-1]) != NULL;) {
                *--tail = '\0';
            }
            if (table->count == capacity) {
                capacity = capacity == 0 ? 256 : capacity * 2;
                kaldi_entry *more = realloc(table->entries, capacity * sizeof *more);
                if (more == NULL) {
                    return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", table->path);
                }
                table->entries = more;
            }
            table->entries[table->count++] = (kaldi_entry){at, value, line};
        }
        at = last ? end : end + 1;
    }
    if (table->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: no entries", table->path);
    }
    qsort(table->entries, table->count, sizeof table->entries[0], compare_entries);
    for (size_t i = 1; i < table->count; i++) {
        if (strcmp(table->entries[i].key, table->entries[i - 1].key) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: '%.60s' is given twice", table->path,
                                  table->entries[i].line, table->entries[i].key);
        }
    }
    return MEWL_OK;
}

/* Adds the row of one utterance. A wav.scp value that is a command ("sox ... |") is left out, never run. */
static mewl_status kaldi_add(mewl_manifest *out, size_t *left_out, const char *root, const char *wav, const char *utt,
                             double onset, double offset, const kaldi_table *speakers, const kaldi_table *labels,
                             mewl_error *err)
{
    size_t length = strlen(wav);
    char path[MEWL__PATH_MAX], group[MEWL__PUT_MAX];
    if (length == 0 || wav[length - 1] == '|') {
        (*left_out)++;
        return MEWL_OK;
    }
    mewl_row row = mewl_row_empty();
    row.path = wav;
    if (wav[0] != '/') {
        if (!join(path, root, wav)) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%.200s/wav.scp: path of '%.60s' too long", root, utt);
        }
        row.path = path;
    }
    row.set = mewl__base_name(root);
    row.onset_s = onset;
    row.offset_s = offset;
    const kaldi_entry *speaker = kaldi_find(speakers, utt), *label = kaldi_find(labels, utt);
    if (speaker != NULL) {
        snprintf(group, sizeof group, "%s:%s", row.set, speaker->value);
        row.group = group;
        row.speaker = speaker->value;
    }
    row.label = label != NULL ? label->value : "";
    return mewl_manifest_add(out, &row, err);
}

static mewl_status kaldi_segments(mewl_manifest *out, size_t *left_out, const char *root, const kaldi_table *segments,
                                  const kaldi_table *wavs, const kaldi_table *speakers, const kaldi_table *labels,
                                  mewl_error *err)
{
    for (size_t i = 0; i < segments->count; i++) {
        const kaldi_entry *s = &segments->entries[i];
        char recording[512], from[64], to[64], rest[2];
        double onset, offset;
        int fields = sscanf(s->value, "%511s %63s %63s %1s", recording, from, to, rest);
        if (fields != 3 || !mewl__parse_number(&onset, from, 0, 1e9) || !mewl__parse_number(&offset, to, 0, 1e9) ||
            offset <= onset) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: '%.60s' is not 'recording start end'", segments->path,
                                  s->line, s->value);
        }
        const kaldi_entry *wav = kaldi_find(wavs, recording);
        if (wav == NULL) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: no recording '%.60s' in wav.scp", segments->path,
                                  s->line, recording);
        }
        MEWL_TRY(kaldi_add(out, left_out, root, wav->value, s->key, onset, offset, speakers, labels, err));
    }
    return MEWL_OK;
}

bool mewl__detect_kaldi(const char *root)
{
    return has_file(root, "wav.scp");
}

mewl_status mewl__table_kaldi(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err)
{
    kaldi_table wavs = {0}, segments = {0}, speakers = {0}, labels = {0};
    mewl_status status = kaldi_read(&wavs, root, "wav.scp", true, err);
    if (status == MEWL_OK) {
        status = kaldi_read(&segments, root, "segments", false, err);
    }
    if (status == MEWL_OK) {
        status = kaldi_read(&speakers, root, "utt2spk", false, err);
    }
    if (status == MEWL_OK) {
        status = kaldi_read(&labels, root, "utt2label", false, err);
    }
    if (status == MEWL_OK && segments.count > 0) {
        status = kaldi_segments(out, left_out, root, &segments, &wavs, &speakers, &labels, err);
    } else {
        for (size_t i = 0; status == MEWL_OK && i < wavs.count; i++) {
            status = kaldi_add(out, left_out, root, wavs.entries[i].value, wavs.entries[i].key, NAN, NAN, &speakers,
                               &labels, err);
        }
    }
    kaldi_fini(&wavs);
    kaldi_fini(&segments);
    kaldi_fini(&speakers);
    kaldi_fini(&labels);
    return status;
}

/* ---- Hugging Face AudioFolder ---- */

static const char *const audiofolder_sides[][2] = {
    {"train", "train"}, {"validation", "valid"}, {"valid", "valid"}, {"dev", "valid"}, {"test", "test"}};
#define AUDIOFOLDER_SIDES (sizeof audiofolder_sides / sizeof audiofolder_sides[0])

/* Whether the file's first row has a column file_name; *at gets where in the text that name stands. */
static bool find_file_name(const char *path, char **text, size_t *size, size_t *at)
{
    if (mewl_file_read_all(text, size, path, TABLE_BYTES_MAX, NULL) != MEWL_OK) {
        return false;
    }
    size_t line = strcspn(*text, "\r\n");
    for (char *found = strstr(*text, "file_name"); found != NULL && (size_t)(found - *text) < line;
         found = strstr(found + 1, "file_name")) {
        char before = found == *text ? ',' : found[-1], after = found[9];
        if ((before == ',' || before == '"' || (unsigned char)before == 0xbf) && strchr(",\"\r\n", after) != NULL) {
            *at = (size_t)(found - *text);
            return true;
        }
    }
    free(*text);
    *text = NULL;
    return false;
}

bool mewl__detect_audiofolder(const char *root)
{
    for (size_t i = 0; i <= AUDIOFOLDER_SIDES; i++) {
        char path[MEWL__PATH_MAX], *text;
        size_t size, at;
        int used = i == AUDIOFOLDER_SIDES
                       ? snprintf(path, sizeof path, "%s/metadata.csv", root)
                       : snprintf(path, sizeof path, "%s/%s/metadata.csv", root, audiofolder_sides[i][0]);
        if (used < (int)sizeof path && find_file_name(path, &text, &size, &at)) {
            free(text);
            return true;
        }
    }
    return false;
}

static mewl_status audiofolder_read(const char *path, const char *set, const char *side, mewl_manifest *out,
                                    mewl_error *err)
{
    char *text;
    size_t size, at;
    if (!find_file_name(path, &text, &size, &at)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s:1: no column 'file_name' in the header", path);
    }
    /* From here on it is a manifest whose path column is called otherwise. */
    memcpy(text + at, "path", 4);
    memmove(text + at + 4, text + at + 9, size - at - 9 + 1);
    size -= 5;
    mewl_manifest part;
    mewl_status status = mewl_manifest_parse(&part, path, text, size, err);
    free(text);
    if (status != MEWL_OK) {
        return status;
    }
    for (size_t i = 0; i < part.count; i++) {
        mewl_row *row = &part.rows[i];
        row->set = row->set[0] == '\0' ? set : row->set;
        row->split = row->split[0] == '\0' ? side : row->split;
    }
    status = mewl_manifest_append(out, &part, err);
    mewl_manifest_fini(&part);
    return status;
}

mewl_status mewl__table_audiofolder(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err)
{
    (void)left_out;
    char path[MEWL__PATH_MAX];
    bool any = false;
    for (size_t i = 0; i <= AUDIOFOLDER_SIDES; i++) {
        bool top = i == AUDIOFOLDER_SIDES;
        int used = top ? snprintf(path, sizeof path, "%s/metadata.csv", root)
                       : snprintf(path, sizeof path, "%s/%s/metadata.csv", root, audiofolder_sides[i][0]);
        if (used < (int)sizeof path && exists(path)) {
            MEWL_TRY(audiofolder_read(path, mewl__base_name(root), top ? "" : audiofolder_sides[i][1], out, err));
            any = true;
        }
    }
    return any ? MEWL_OK : mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: no metadata.csv", root);
}

/* ---- DESED layout (ICSD) ---- */

bool mewl__detect_icsd(const char *root)
{
    char metadata[MEWL__PATH_MAX], audio[MEWL__PATH_MAX];
    return join(metadata, root, "metadata") && join(audio, root, "audio") && mewl_folder_exists(metadata) &&
           mewl_folder_exists(audio);
}

/* metadata/train/strong.tsv goes with audio/train/strong/, or audio/train/strong/soundscapes/, or audio/train/. */
static bool icsd_audio(char *out, const char *root, const char *relative, const char *file)
{
    char stem[MEWL__PATH_MAX], above[MEWL__PATH_MAX];
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(relative) - 4), relative);
    if (!mewl__folder_of(above, sizeof above, stem)) {
        return false;
    }
    return (snprintf(out, MEWL__PATH_MAX, "%s/audio/%s/%s", root, stem, file) < MEWL__PATH_MAX && exists(out)) ||
           (snprintf(out, MEWL__PATH_MAX, "%s/audio/%s/soundscapes/%s", root, stem, file) < MEWL__PATH_MAX &&
            exists(out)) ||
           (snprintf(out, MEWL__PATH_MAX, "%s/audio/%s/%s", root, above, file) < MEWL__PATH_MAX && exists(out));
}

static const char *icsd_label(char *out, size_t size, const char *label)
{
    char word[128];
    mewl__slug(word, sizeof word, label);
    bool cry = strcmp(word, "infantcry") == 0 || strcmp(word, "infant-cry") == 0;
    snprintf(out, size, "%s", cry ? MEWL_LABEL_CRY : word);
    return out;
}

static const char *icsd_side(const char *relative)
{
    return strncmp(relative, "train", 5) == 0 ? "train" : strncmp(relative, "validation", 10) == 0 ? "valid" : "test";
}

/* One TSV: strong labels (filename onset offset event_label) or weak ones (filename event_labels). */
static mewl_status icsd_tsv(const char *root, const char *relative, mewl_csv *csv, mewl_manifest *out, size_t *left_out,
                            mewl_error *err)
{
    bool got;
    MEWL_TRY(mewl_csv_next(csv, &got, err));
    int name = got ? mewl_csv_find(csv, "filename") : -1;
    int onset = mewl_csv_find(csv, "onset"), offset = mewl_csv_find(csv, "offset");
    int label = mewl_csv_find(csv, "event_label"), labels = mewl_csv_find(csv, "event_labels");
    size_t columns = csv->count;
    if (name < 0 || (label < 0 && labels < 0)) {
        return MEWL_OK; /* durations.tsv and the like: not annotations */
    }
    for (;;) {
        MEWL_TRY(mewl_csv_next(csv, &got, err));
        if (!got) {
            return MEWL_OK;
        }
        if (csv->count != columns) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: %zu columns where the header has %zu", csv->path,
                                  csv->line, csv->count, columns);
        }
        mewl_row row = mewl_row_empty();
        char path[MEWL__PATH_MAX], group[MEWL__PUT_MAX], word[160];
        if (!icsd_audio(path, root, relative, csv->fields[name])) {
            (*left_out)++;
            continue;
        }
        row.path = path;
        row.set = "icsd";
        row.split = icsd_side(relative);
        snprintf(group, sizeof group, "icsd:%s", csv->fields[name]);
        row.group = group;
        if (label >= 0 && onset >= 0 && offset >= 0 && csv->fields[label][0] != '\0') {
            if (!mewl__parse_number(&row.onset_s, csv->fields[onset], 0, 1e9) ||
                !mewl__parse_number(&row.offset_s, csv->fields[offset], 0, 1e9) || row.offset_s <= row.onset_s) {
                return mewl_error_set(err, MEWL_E_FORMAT, "%s:%zu: onset '%.30s' and offset '%.30s' are no stretch",
                                      csv->path, csv->line, csv->fields[onset], csv->fields[offset]);
            }
        }
        /* A file without events has one row without a label; weak labels are a list. */
        char *at = csv->fields[label >= 0 ? label : labels];
        do {
            size_t n = label >= 0 ? strlen(at) : strcspn(at, ",");
            bool more = at[n] == ',';
            at[n] = '\0';
            row.label = icsd_label(word, sizeof word, at);
            MEWL_TRY(mewl_manifest_add(out, &row, err));
            at = more ? at + n + 1 : NULL;
        } while (at != NULL);
    }
}

mewl_status mewl__table_icsd(const char *root, mewl_manifest *out, size_t *left_out, mewl_error *err)
{
    char folder[MEWL__PATH_MAX];
    if (!join(folder, root, "metadata")) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    mewl_folder_list sides;
    MEWL_TRY(mewl_folder_read(&sides, folder, 64, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < sides.count; i++) {
        char side[MEWL__PATH_MAX];
        mewl_folder_list files;
        if (!join(side, folder, sides.names[i]) || !mewl_folder_exists(side)) {
            continue;
        }
        status = mewl_folder_read(&files, side, 4096, err);
        for (size_t k = 0; status == MEWL_OK && k < files.count; k++) {
            char path[MEWL__PATH_MAX], relative[MEWL__PATH_MAX], *text;
            size_t size, length = strlen(files.names[k]);
            if (length < 5 || strcmp(files.names[k] + length - 4, ".tsv") != 0 || !join(path, side, files.names[k]) ||
                !join(relative, sides.names[i], files.names[k])) {
                continue;
            }
            status = mewl_file_read_all(&text, &size, path, TABLE_BYTES_MAX, err);
            if (status == MEWL_OK) {
                mewl_csv csv;
                status = mewl_csv_init(&csv, path, text, size, '\t', err);
                if (status == MEWL_OK) {
                    status = icsd_tsv(root, relative, &csv, out, left_out, err);
                    mewl_csv_fini(&csv);
                }
                free(text);
            }
        }
        mewl_folder_list_fini(&files);
    }
    mewl_folder_list_fini(&sides);
    return status;
}
