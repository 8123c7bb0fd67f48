/* labels.c - see labels.h. */
#include "cli/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define LINE_MAX_BYTES 16384

struct mewl_labels {
    mewl_file_writer *writer; /* NULL: standard output */
    mewl_labels_form form;
    size_t rows;
};

static const char *const headers[] = {
    [MEWL_LABELS_AUDACITY] = "",
    [MEWL_LABELS_TSV] = "filename\tonset\toffset\tevent_label\n",
    [MEWL_LABELS_CSV] = "Start (s),End (s),Label,Confidence,File\n",
    [MEWL_LABELS_RAVEN] = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
                          "Annotation\tConfidence\tLevel (dBFS)\tBegin Path\n",
};

static mewl_status put(mewl_labels *labels, const char *text, size_t length, mewl_error *err)
{
    if (labels->writer != NULL) {
        return mewl_file_writer_push(labels->writer, text, length, err);
    }
    return fwrite(text, 1, length, stdout) == length
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_IO, "the output could not be written");
}

mewl_status mewl_labels_open(mewl_labels **out, mewl_labels_form form, const char *path, mewl_error *err)
{
    *out = NULL;
    mewl_labels *labels = calloc(1, sizeof *labels);
    if (labels == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", path);
    }
    labels->form = form;
    mewl_status status = strcmp(path, "-") == 0 ? MEWL_OK : mewl_file_writer_open(&labels->writer, path, err);
    if (status == MEWL_OK) {
        status = put(labels, headers[form], strlen(headers[form]), err);
    }
    if (status != MEWL_OK) {
        mewl_labels_close(labels);
        return status;
    }
    *out = labels;
    return MEWL_OK;
}

/* A name in a table of tabs: what would end the cell becomes a blank. */
static void plain_cell(char *out, size_t size, const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0' && at + 1 < size; at++) {
        out[at] = text[at] == '\t' || text[at] == '\n' || text[at] == '\r' ? ' ' : text[at];
    }
    out[at] = '\0';
}

/* A field of RFC 4180: quoted when it needs to be, quotes doubled. */
static void csv_field(char *out, size_t size, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)snprintf(out, size, "%s", text);
        return;
    }
    size_t at = 0;
    out[at++] = '"';
    for (; *text != '\0' && at + 4 < size; text++) {
        if (*text == '"') {
            out[at++] = '"';
        }
        out[at++] = *text;
    }
    out[at++] = '"';
    out[at] = '\0';
}

mewl_status mewl_labels_push(mewl_labels *labels, const char *file, const mewl_episode *e, double high_hz,
                             mewl_error *err)
{
    char name[LINE_MAX_BYTES / 2];
    char line[LINE_MAX_BYTES];
    int length = 0;
    if (labels->form == MEWL_LABELS_CSV) {
        csv_field(name, sizeof name, file);
    } else {
        plain_cell(name, sizeof name, file);
    }
    switch (labels->form) {
    case MEWL_LABELS_AUDACITY:
        length = snprintf(line, sizeof line, "%.3f\t%.3f\tcry %.3f\n", e->onset_s, e->offset_s, (double)e->confidence);
        break;
    case MEWL_LABELS_TSV:
        length = snprintf(line, sizeof line, "%s\t%.3f\t%.3f\tInfantcry\n", name, e->onset_s, e->offset_s);
        break;
    case MEWL_LABELS_CSV:
        length = snprintf(line, sizeof line, "%.3f,%.3f,cry,%.3f,%s\n", e->onset_s, e->offset_s, (double)e->confidence,
                          name);
        break;
    case MEWL_LABELS_RAVEN:
        length = snprintf(line, sizeof line, "%zu\tSpectrogram 1\t1\t%.3f\t%.3f\t0\t%.0f\tcry\t%.3f\t%.1f\t%s\n",
                          labels->rows + 1, e->onset_s, e->offset_s, high_hz, (double)e->confidence,
                          (double)e->level_dbfs, name);
        break;
    }
    labels->rows++;
    return put(labels, line, (size_t)length, err);
}

mewl_status mewl_labels_commit(mewl_labels *labels, mewl_error *err)
{
    if (labels->writer != NULL) {
        return mewl_file_writer_commit(labels->writer, err);
    }
    return fflush(stdout) == 0 ? MEWL_OK : mewl_error_set(err, MEWL_E_IO, "the output could not be written");
}

void mewl_labels_close(mewl_labels *labels)
{
    if (labels != NULL) {
        mewl_file_writer_close(labels->writer);
        free(labels);
    }
}
