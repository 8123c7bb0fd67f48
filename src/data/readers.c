/* readers.c - the table of sets, and the walk over a folder. See readers.h. */
#include "data/readers.h"

#include "base/folder.h"
#include "data/names.h"
#include "data/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Order matters to autodetection: strict names first, folders with tables next, folder = label last. */
static const mewl_reader readers[] = {
    {"donateacry", "Donate-a-Cry corpus", "<reason>/uuid-time-version-sex-age-reason.{wav,3gp,caf}", "ODbL / DbCL",
     true, mewl__name_donateacry, NULL, NULL},
    {"cryceleb", "CryCeleb", "audio/{train,dev,test}/spkN/{B,D}/spkN_B_001.wav", "CC BY-NC-ND 4.0", false,
     mewl__name_cryceleb, NULL, NULL},
    {"esc10", "ESC-10", "004 - Baby cry/fold-source-take.ogg", "CC BY 3.0 (clips CC0, CC BY, some Sampling+)", true,
     mewl__name_esc10, NULL, NULL},
    {"esc50", "ESC-50", "audio/fold-source-take-target.wav", "CC BY-NC 3.0", false, mewl__name_esc50, NULL, NULL},
    {"urbansound8k", "UrbanSound8K", "foldN/source-class-occurrence-slice.wav", "CC BY-NC 3.0", false,
     mewl__name_urbansound8k, NULL, NULL},
    {"catmeows", "CatMeows", "context_cat_breed_sex_owner_session+number.wav", "CC BY 4.0", true, mewl__name_catmeows,
     NULL, NULL},
    {"speech-commands", "Speech Commands", "word/speaker_nohash_N.wav, _background_noise_/", "CC BY 4.0", true,
     mewl__name_speech_commands, NULL, NULL},
    {"baby-laugh", "baby laughter cut from one recording", "laugh_1.m4a_N.flac", "none stated", false,
     mewl__name_baby_laugh, NULL, NULL},
    {"lockhart-bouron", "Lockhart-Bouron infant cries", "BS03_W_3_F_F_19122018_2021.wav", "see the publisher", false,
     mewl__name_lockhart_bouron, NULL, NULL},
    {"librispeech", "LibriSpeech", "speaker/[chapter/]speaker-chapter-utterance.flac", "CC BY 4.0", true,
     mewl__name_librispeech, NULL, NULL},
    {"room-responses", "room impulse responses", "any names, in a folder called ...impulse-responses or rir", "", true,
     mewl__name_rooms, NULL, mewl__detect_rooms},
    {"chillanto", "Baby Chillanto", "{asphyxia,deaf,hunger,normal,pain}/infant_segment.wav",
     "on request, research only", false, mewl__name_chillanto, NULL, mewl__detect_chillanto},
    {"kaldi", "Kaldi data folder", "wav.scp, segments, utt2spk, utt2label", "", false, NULL, mewl__table_kaldi,
     mewl__detect_kaldi},
    {"icsd", "ICSD (DESED layout)", "metadata/{train,validation,test}/*.tsv, audio/...", "see the publisher", false,
     NULL, mewl__table_icsd, mewl__detect_icsd},
    {"audiofolder", "CSV or Hugging Face AudioFolder", "[train/]metadata.csv with a column file_name", "", false, NULL,
     mewl__table_audiofolder, mewl__detect_audiofolder},
    {"folders", "folder = label", "label/.../any.wav", "", false, mewl__name_folders, NULL, NULL},
    {"speakers", "folder = speaker", "speaker/[session/].../any.wav", "", false, mewl__name_speakers, NULL, NULL},
};
#define READERS (sizeof readers / sizeof readers[0])

const mewl_reader *mewl_reader_table(size_t *count)
{
    *count = READERS;
    return readers;
}

const mewl_reader *mewl_reader_find(const char *kind)
{
    for (size_t i = 0; i < READERS; i++) {
        if (strcmp(readers[i].kind, kind) == 0) {
            return &readers[i];
        }
    }
    return NULL;
}

bool mewl_is_audio_name(const char *name)
{
    static const char *const endings[] = {"wav", "wave", "flac", "ogg", "oga", "opus", "mp3",  "m4a",
                                          "m4b", "aac",  "3gp",  "amr", "caf", "aif",  "aiff", "webm",
                                          "mka", "mkv",  "mp4",  "mov", "wma", "au",   "w64",  "rf64"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The audio files under a folder, relative to it. */
typedef struct walk {
    char **names;
    size_t count, capacity;
    struct {
        dev_t device;
        ino_t inode;
    } above[MEWL_SCAN_DEPTH_MAX + 1]; /* folders being walked: a link back to one of them is not entered */
} walk;

static void walk_fini(walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        free(w->names[i]);
    }
    free(w->names);
}

static mewl_status walk_add(walk *w, const char *relative, mewl_error *err)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity == 0 ? 256 : w->capacity * 2;
        char **names = realloc(w->names, capacity * sizeof *names);
        if (names == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a list of files");
        }
        w->names = names;
        w->capacity = capacity;
    }
    if (w->count >= MEWL_SCAN_FILES_MAX) {
        return mewl_error_set(err, MEWL_E_MEMORY, "more than %d files", MEWL_SCAN_FILES_MAX);
    }
    w->names[w->count] = strdup(relative);
    if (w->names[w->count] == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "out of memory for a list of files");
    }
    w->count++;
    return MEWL_OK;
}

static mewl_status walk_folder(walk *w, const char *root, const char *relative, size_t depth, mewl_error *err)
{
    char path[MEWL__PATH_MAX];
    struct stat info;
    if (snprintf(path, sizeof path, "%s%s%s", root, relative[0] != '\0' ? "/" : "", relative) >= (int)sizeof path ||
        depth > MEWL_SCAN_DEPTH_MAX) {
        return MEWL_OK;
    }
    if (stat(path, &info) != 0) {
        return depth == 0 ? mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: no such folder", path) : MEWL_OK;
    }
    for (size_t i = 0; i < depth; i++) {
        if (w->above[i].device == info.st_dev && w->above[i].inode == info.st_ino) {
            return MEWL_OK;
        }
    }
    w->above[depth].device = info.st_dev;
    w->above[depth].inode = info.st_ino;
    mewl_folder_list list;
    MEWL_TRY(mewl_folder_read(&list, path, MEWL_SCAN_FILES_MAX, err));
    mewl_status status = MEWL_OK;
    for (size_t i = 0; status == MEWL_OK && i < list.count; i++) {
        char name[MEWL__PATH_MAX], full[MEWL__PATH_MAX];
        if (snprintf(name, sizeof name, "%s%s%s", relative, relative[0] != '\0' ? "/" : "", list.names[i]) >=
                (int)sizeof name ||
            snprintf(full, sizeof full, "%s/%s", path, list.names[i]) >= (int)sizeof full) {
            continue;
        }
        if (mewl_folder_exists(full)) {
            status = walk_folder(w, root, name, depth + 1, err);
        } else if (mewl_is_audio_name(name)) {
            status = walk_add(w, name, err);
        }
    }
    mewl_folder_list_fini(&list);
    return status;
}

/* How many of the names a reader takes; at most `limit` refusals before it gives up. */
static size_t taken_by(const mewl_reader *reader, const walk *w)
{
    size_t taken = 0, limit = w->count / 10;
    for (size_t i = 0; i < w->count; i++) {
        char scratch[MEWL__SCRATCH];
        mewl_row row = mewl_row_empty();
        taken += reader->name(w->names[i], &row, scratch);
        if (i + 1 - taken > limit) {
            return 0;
        }
    }
    return taken;
}

static const mewl_reader *detect(const char *root, const walk *w)
{
    for (size_t i = 0; i < READERS; i++) {
        const mewl_reader *reader = &readers[i];
        if (reader->detect != NULL && !reader->detect(root)) {
            continue;
        }
        if (reader->table != NULL || (w->count > 0 && taken_by(reader, w) > 0)) {
            return reader;
        }
    }
    return NULL;
}

static mewl_status read_names(mewl_manifest *out, mewl_scan_report *report, const char *root, const walk *w,
                              mewl_error *err)
{
    const mewl_reader *reader = report->reader;
    bool generic = strcmp(reader->kind, "folders") == 0 || strcmp(reader->kind, "speakers") == 0;
    for (size_t i = 0; i < w->count; i++) {
        char path[MEWL__PATH_MAX], scratch[MEWL__SCRATCH];
        mewl_row row = mewl_row_empty();
        if (snprintf(path, sizeof path, "%s/%s", root, w->names[i]) >= (int)sizeof path ||
            !reader->name(w->names[i], &row, scratch)) {
            if (report->left_out++ == 0) {
                snprintf(report->left_out_example, sizeof report->left_out_example, "%.255s", w->names[i]);
            }
            continue;
        }
        row.path = path;
        row.set = generic ? mewl__base_name(root) : reader->kind;
        MEWL_TRY(mewl_manifest_add(out, &row, err));
    }
    return MEWL_OK;
}

static mewl_status choose(const mewl_reader **out, const char *root, const char *kind, const walk *w, mewl_error *err)
{
    if (kind == NULL || strcmp(kind, "auto") == 0) {
        *out = detect(root, w);
        if (*out != NULL) {
            return MEWL_OK;
        }
        return w->count == 0 ? mewl_error_set(err, MEWL_E_EMPTY, "%s: no sound files", root)
                             : mewl_error_set(err, MEWL_E_FORMAT,
                                              "%s: no known layout (first of %zu files: %.200s); name one with "
                                              "--kind",
                                              root, w->count, w->names[0]);
    }
    *out = mewl_reader_find(kind);
    if (*out != NULL) {
        return MEWL_OK;
    }
    const char *known[READERS];
    for (size_t i = 0; i < READERS; i++) {
        known[i] = readers[i].kind;
    }
    const char *near = mewl__nearest(kind, known, READERS);
    return mewl_error_set(err, MEWL_E_ARG, "no data set kind '%.60s'%s%s%s", kind,
                          near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

static mewl_status scan_into(mewl_manifest *out, mewl_scan_report *report, const char *root, const char *kind, walk *w,
                             mewl_error *err)
{
    MEWL_TRY(walk_folder(w, root, "", 0, err));
    report->audio_files = w->count;
    MEWL_TRY(choose(&report->reader, root, kind, w, err));
    if (report->reader->table != NULL) {
        MEWL_TRY(report->reader->table(root, out, &report->left_out, err));
    } else {
        MEWL_TRY(read_names(out, report, root, w, err));
    }
    if (out->count == 0) {
        return mewl_error_set(err, MEWL_E_EMPTY, "%s: no file is named like %s (%s)", root, report->reader->title,
                              report->reader->layout);
    }
    mewl_manifest_sort(out);
    return MEWL_OK;
}

mewl_status mewl_scan(mewl_manifest *out, mewl_scan_report *report, const char *root, const char *kind, mewl_error *err)
{
    mewl_scan_report local;
    char clean[MEWL__PATH_MAX];
    report = report != NULL ? report : &local;
    memset(report, 0, sizeof *report);
    size_t length = strlen(root);
    while (length > 1 && root[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length >= sizeof clean) {
        return mewl_error_set(err, MEWL_E_ARG, "'%.60s' is no folder", root);
    }
    memcpy(clean, root, length);
    clean[length] = '\0';
    if (access(clean, F_OK) == 0 && !mewl_folder_exists(clean)) {
        return mewl_error_set(err, MEWL_E_ARG, "%s: a file, not a folder", clean);
    }
    MEWL_TRY(mewl_manifest_init(out, err));
    walk w = {0};
    mewl_status status = scan_into(out, report, clean, kind, &w, err);
    walk_fini(&w);
    if (status != MEWL_OK) {
        mewl_manifest_fini(out);
    }
    return status;
}
