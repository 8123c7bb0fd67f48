/* names.c - see names.h. Each function takes one relative path apart and nothing else: no file is opened. */
#include "data/names.h"

#include "base/folder.h"
#include "data/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *mewl__put(char **scratch, const char *format, ...)
{
    char *start = *scratch;
    va_list args;
    va_start(args, format);
    int size = vsnprintf(start, MEWL__PUT_MAX, format, args);
    va_end(args);
    *scratch += size < 0 ? 1 : size >= MEWL__PUT_MAX ? MEWL__PUT_MAX : size + 1;
    return start;
}

#define PARTS_MAX 8
#define PART_MAX 128

/* A path taken apart: folders above the file, nearest last, and the file's stem. */
typedef struct parts {
    char folder[PARTS_MAX][PART_MAX];
    size_t folders;
    char stem[PART_MAX]; /* file name without its last extension */
} parts;

static bool take_apart(parts *out, const char *relative)
{
    memset(out, 0, sizeof *out);
    for (const char *at = relative;;) {
        const char *slash = strchr(at, '/');
        size_t n = slash != NULL ? (size_t)(slash - at) : strlen(at);
        if (n >= PART_MAX || (slash != NULL && out->folders == PARTS_MAX)) {
            return false;
        }
        char *to = slash != NULL ? out->folder[out->folders] : out->stem;
        memcpy(to, at, n);
        to[n] = '\0';
        if (slash == NULL) {
            char *dot = strrchr(to, '.');
            if (dot != NULL && dot != to) {
                *dot = '\0';
            }
            return to[0] != '\0';
        }
        out->folders++;
        at = slash + 1;
    }
}

static const char *parent_of(const parts *p, size_t up)
{
    return up < p->folders ? p->folder[p->folders - 1 - up] : "";
}

/* Splits `text` in place at `separator`; returns the number of fields, at most max (more: max + 1). */
static size_t split(char *text, char separator, char **fields, size_t max)
{
    size_t count = 0;
    for (char *at = text; at != NULL;) {
        if (count == max) {
            return max + 1;
        }
        fields[count++] = at;
        at = strchr(at, separator);
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return count;
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool all_hex(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdefABCDEF") == size;
}

/* ESC names are fold-source-take[-target]; sources are freesound numbers, as UrbanSound8K's are, so one prefix keeps a
 * recording that both sets use on one side. */
static bool esc_name(parts *p, char **f, size_t fields, mewl_row *row, char **scratch)
{
    if (split(p->stem, '-', f, 4) != fields || strlen(f[0]) != 1 || f[0][0] < '1' || f[0][0] > '5' ||
        !all_digits(f[1]) || strlen(f[2]) != 1 || !isupper((unsigned char)f[2][0])) {
        return false;
    }
    row->fold = f[0][0] - '0';
    row->group = mewl__put(scratch, "freesound:%s", f[1]);
    return true;
}

bool mewl__name_esc50(const char *relative, mewl_row *row, char *scratch)
{
    static const char *const classes[50] = {"dog",
                                            "rooster",
                                            "pig",
                                            "cow",
                                            "frog",
                                            "cat",
                                            "hen",
                                            "insects",
                                            "sheep",
                                            "crow",
                                            "rain",
                                            "sea-waves",
                                            "crackling-fire",
                                            "crickets",
                                            "chirping-birds",
                                            "water-drops",
                                            "wind",
                                            "pouring-water",
                                            "toilet-flush",
                                            "thunderstorm",
                                            MEWL_LABEL_CRY,
                                            "sneezing",
                                            "clapping",
                                            "breathing",
                                            "coughing",
                                            "footsteps",
                                            "laughing",
                                            "brushing-teeth",
                                            "snoring",
                                            "drinking-sipping",
                                            "door-knock",
                                            "mouse-click",
                                            "keyboard-typing",
                                            "door-wood-creaks",
                                            "can-opening",
                                            "washing-machine",
                                            "vacuum-cleaner",
                                            "clock-alarm",
                                            "clock-tick",
                                            "glass-breaking",
                                            "helicopter",
                                            "chainsaw",
                                            "siren",
                                            "car-horn",
                                            "engine",
                                            "train",
                                            "church-bells",
                                            "airplane",
                                            "fireworks",
                                            "hand-saw"};
    parts p;
    char *f[4];
    if (!take_apart(&p, relative) || !esc_name(&p, f, 4, row, &scratch) || !all_digits(f[3]) || strlen(f[3]) > 2) {
        return false;
    }
    int target = atoi(f[3]);
    if (target >= 50) {
        return false;
    }
    row->label = classes[target];
    return true;
}

bool mewl__name_esc10(const char *relative, mewl_row *row, char *scratch)
{
    static const struct {
        const char *folder, *label;
    } classes[10] = {{"001 - Dog bark", "dog"},          {"002 - Rain", "rain"},
                     {"003 - Sea waves", "sea-waves"},   {"004 - Baby cry", MEWL_LABEL_CRY},
                     {"005 - Clock tick", "clock-tick"}, {"006 - Person sneeze", "sneezing"},
                     {"007 - Helicopter", "helicopter"}, {"008 - Chainsaw", "chainsaw"},
                     {"009 - Rooster", "rooster"},       {"010 - Fire crackling", "crackling-fire"}};
    parts p;
    char *f[4];
    if (!take_apart(&p, relative) || !esc_name(&p, f, 3, row, &scratch)) {
        return false;
    }
    for (size_t i = 0; i < 10; i++) {
        if (strcmp(parent_of(&p, 0), classes[i].folder) == 0) {
            row->label = classes[i].label;
            return true;
        }
    }
    return false;
}

bool mewl__name_urbansound8k(const char *relative, mewl_row *row, char *scratch)
{
    static const char *const classes[10] = {"air-conditioner", "car-horn", "children-playing", "dog",   "drilling",
                                            "engine",          "gun-shot", "jackhammer",       "siren", "street-music"};
    parts p;
    char *f[4];
    if (!take_apart(&p, relative) || split(p.stem, '-', f, 4) != 4 || !all_digits(f[0]) || !all_digits(f[1]) ||
        !all_digits(f[2]) || !all_digits(f[3]) || strlen(f[1]) != 1) {
        return false;
    }
    const char *folder = parent_of(&p, 0);
    if (strncmp(folder, "fold", 4) != 0 || !all_digits(folder + 4) || strlen(folder) > 6) {
        return false;
    }
    row->fold = atoi(folder + 4);
    row->label = classes[f[1][0] - '0'];
    row->group = mewl__put(&scratch, "freesound:%s", f[0]);
    return row->fold >= 1 && row->fold <= 10;
}

/* context_cat_breed_sex_owner_session+number: B brushing, F waiting for food, I isolation; sex FI FN MI MN. */
bool mewl__name_catmeows(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    char *f[6];
    if (!take_apart(&p, relative) || split(p.stem, '_', f, 6) != 6 || strlen(f[0]) != 1 ||
        strchr("BFI", f[0][0]) == NULL || strlen(f[1]) != 5 || strlen(f[2]) != 2 || strlen(f[3]) != 2 ||
        strchr("FM", f[3][0]) == NULL || strchr("IN", f[3][1]) == NULL || strlen(f[4]) != 5 || strlen(f[5]) != 3 ||
        !all_digits(f[5])) {
        return false;
    }
    row->label = "cat";
    row->group = mewl__put(&scratch, "catmeows:%s", f[1]);
    row->speaker = mewl__put(&scratch, "%s", f[1]);
    row->session = mewl__put(&scratch, "%s:%s:%c", f[1], f[0], f[5][0]);
    row->sex = f[3][0] == 'F' ? "f" : "m";
    row->reason = f[0][0] == 'B' ? "brushing" : f[0][0] == 'F' ? "food" : "isolation";
    return true;
}

bool mewl__name_speech_commands(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative) || p.folders == 0) {
        return false;
    }
    if (strcmp(parent_of(&p, 0), "_background_noise_") == 0) {
        char label[PART_MAX];
        mewl__slug(label, sizeof label, p.stem);
        row->label = mewl__put(&scratch, "%s", label);
        row->group = mewl__put(&scratch, "speech-commands:noise:%s", label);
        return label[0] != '\0';
    }
    char *nohash = strstr(p.stem, "_nohash_");
    if (nohash == NULL || !all_digits(nohash + 8)) {
        return false;
    }
    *nohash = '\0';
    if (!all_hex(p.stem, 8)) {
        return false;
    }
    row->label = "speech";
    row->speaker = mewl__put(&scratch, "%s", p.stem);
    row->group = mewl__put(&scratch, "speech-commands:%s", p.stem);
    row->session = mewl__put(&scratch, "%s", parent_of(&p, 0));
    return true;
}

/* speaker/[chapter/]speaker-chapter-utterance */
bool mewl__name_librispeech(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    char *f[3];
    if (!take_apart(&p, relative) || p.folders == 0 || split(p.stem, '-', f, 3) != 3 || !all_digits(f[0]) ||
        !all_digits(f[1]) || !all_digits(f[2])) {
        return false;
    }
    bool nested = p.folders >= 2 && strcmp(parent_of(&p, 0), f[1]) == 0;
    if (strcmp(parent_of(&p, nested ? 1 : 0), f[0]) != 0) {
        return false;
    }
    row->label = "speech";
    row->speaker = mewl__put(&scratch, "%s", f[0]);
    row->session = mewl__put(&scratch, "%s-%s", f[0], f[1]);
    row->group = mewl__put(&scratch, "librispeech:%s", f[0]);
    return true;
}

/* Any folder of speakers: the first folder is the speaker, a second one the session (as in VoxCeleb). */
bool mewl__name_speakers(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative) || p.folders == 0) {
        return false;
    }
    row->label = "speech";
    row->speaker = mewl__put(&scratch, "%s", p.folder[0]);
    row->group = mewl__put(&scratch, "speakers:%s", p.folder[0]);
    if (p.folders > 1) {
        row->session = mewl__put(&scratch, "%s/%s", p.folder[0], p.folder[1]);
    }
    return true;
}

/* laugh_1.m4a_<n>: all cut from one recording, so all one group. */
bool mewl__name_baby_laugh(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative) || strncmp(p.stem, "laugh_", 6) != 0) {
        return false;
    }
    char *number = strrchr(p.stem, '_');
    if (number <= p.stem + 5 || !all_digits(number + 1)) {
        return false;
    }
    *number = '\0';
    row->label = "baby-laughter";
    row->group = mewl__put(&scratch, "baby-laugh:%s", p.stem);
    return true;
}

bool mewl__detect_rooms(const char *root)
{
    char name[PART_MAX];
    mewl__slug(name, sizeof name, mewl__base_name(root));
    return strstr(name, "impulse-response") != NULL || strcmp(name, "rir") == 0 || strcmp(name, "rirs") == 0;
}

bool mewl__name_rooms(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative)) {
        return false;
    }
    row->label = MEWL_LABEL_ROOM;
    row->group = mewl__put(&scratch, "room:%s", p.stem);
    return true;
}

/* audio/{train,dev,test}/spkN/{B,D}/spkN_B_001.wav: B at birth, D at discharge; dev is the published validation side.
 */
bool mewl__name_cryceleb(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    char *f[3];
    if (!take_apart(&p, relative) || p.folders < 3 || split(p.stem, '_', f, 3) != 3 || strncmp(f[0], "spk", 3) != 0 ||
        !all_digits(f[0] + 3) || (strcmp(f[1], "B") != 0 && strcmp(f[1], "D") != 0) || !all_digits(f[2]) ||
        strcmp(parent_of(&p, 0), f[1]) != 0 || strcmp(parent_of(&p, 1), f[0]) != 0) {
        return false;
    }
    const char *side = parent_of(&p, 2);
    if (strcmp(side, "train") == 0 || strcmp(side, "test") == 0) {
        row->split = strcmp(side, "train") == 0 ? "train" : "test";
    } else if (strcmp(side, "dev") == 0) {
        row->split = "valid";
    } else {
        return false;
    }
    row->label = MEWL_LABEL_CRY;
    row->speaker = mewl__put(&scratch, "%s", f[0]);
    row->session = mewl__put(&scratch, "%s:%s", f[0], f[1]);
    row->group = mewl__put(&scratch, "cryceleb:%s", f[0]);
    row->age = f[1][0] == 'B' ? "birth" : "discharge";
    return true;
}

/* Class of a Baby Chillanto folder, in English or the corpus's own Spanish, or NULL. */
static const char *chillanto_class(const char *folder)
{
    static const char *const names[][2] = {{"asphyxia", "asphyxia"}, {"asfixia", "asphyxia"}, {"deaf", "deaf"},
                                           {"sordo", "deaf"},        {"sordera", "deaf"},     {"hunger", "hunger"},
                                           {"hungry", "hunger"},     {"hambre", "hunger"},    {"pain", "pain"},
                                           {"dolor", "pain"},        {"normal", "normal"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(folder, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

/* "normal" or "pain" are words that other sets use too; deaf and asphyxiated infants are Chillanto's own. */
bool mewl__detect_chillanto(const char *root)
{
    static const char *const own[] = {"asphyxia", "Asphyxia", "asfixia", "Asfixia", "deaf", "Deaf", "sordo", "Sordo"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char path[MEWL__PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", root, own[i]) < (int)sizeof path && mewl_folder_exists(path)) {
            return true;
        }
    }
    return false;
}

/* Folder = class. The infant is what stands before the last '_' or '-' of the name; without one, the name without its
 * last three digits (001...). Segments of one recording then share the group. */
bool mewl__name_chillanto(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative)) {
        return false;
    }
    const char *reason = chillanto_class(parent_of(&p, 0));
    if (reason == NULL) {
        return false;
    }
    size_t cut = strlen(p.stem);
    for (size_t i = cut; i-- > 1;) {
        if (p.stem[i] == '_' || p.stem[i] == '-') {
            cut = i;
            break;
        }
    }
    if (p.stem[cut] == '\0') {
        size_t digits = 0;
        while (digits < cut && isdigit((unsigned char)p.stem[cut - 1 - digits])) {
            digits++;
        }
        cut -= digits > 3 ? 3 : 0;
    }
    p.stem[cut] = '\0';
    row->label = MEWL_LABEL_CRY;
    row->reason = reason;
    row->speaker = mewl__put(&scratch, "%s", p.stem);
    row->group = mewl__put(&scratch, "chillanto:%s", p.stem);
    return true;
}

/* BS03_W_3_F_F_19122018_2021.wav: the infant first, date (ddmmyyyy) and time (hhmm) last. What stands between is kept
 * as it is, since the set's paper gives no key to it. The hour is the recordist's clock, taken for UTC. */
bool mewl__name_lockhart_bouron(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    char *f[7];
    if (!take_apart(&p, relative) || split(p.stem, '_', f, 7) != 7 || strlen(f[5]) != 8 || !all_digits(f[5]) ||
        strlen(f[6]) != 4 || !all_digits(f[6]) || strlen(f[0]) < 2 || !isalpha((unsigned char)f[0][0]) ||
        !isdigit((unsigned char)f[0][strlen(f[0]) - 1])) {
        return false;
    }
    char iso[48];
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:00Z", f[5] + 4, f[5] + 2, f[5], f[6], f[6] + 2);
    if (!mewl__parse_time(&row->time_s, iso)) {
        return false;
    }
    row->label = MEWL_LABEL_CRY;
    row->speaker = mewl__put(&scratch, "%s", f[0]);
    row->group = mewl__put(&scratch, "lockhart-bouron:%s", f[0]);
    row->session = mewl__put(&scratch, "%s:%s:%s", f[0], f[5], f[6]);
    row->reason = mewl__put(&scratch, "%s-%s-%s-%s", f[1], f[2], f[3], f[4]);
    return true;
}

/* label/.../file: the first folder is the label. Who or what was recorded is not guessed: the group stays empty. */
bool mewl__name_folders(const char *relative, mewl_row *row, char *scratch)
{
    parts p;
    if (!take_apart(&p, relative) || p.folders == 0) {
        return false;
    }
    char label[PART_MAX];
    mewl__slug(label, sizeof label, p.folder[0]);
    bool cry = strcmp(label, "cry") == 0 || strcmp(label, "crying") == 0 || strcmp(label, "baby-cry") == 0 ||
               strcmp(label, "crying-baby") == 0 || strcmp(label, "infant-cry") == 0;
    row->label = cry ? MEWL_LABEL_CRY : mewl__put(&scratch, "%s", label);
    return label[0] != '\0';
}
