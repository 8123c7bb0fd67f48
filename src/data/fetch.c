/* fetch.c - see fetch.h. The one place that includes libcurl. */
#include "data/fetch.h"

#include "base/file.h"
#include "base/folder.h"
#include "data/sha256.h"
#include "data/text.h"
#include "data/unpack.h"

#include <curl/curl.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES_DEFAULT ((int64_t)64 << 30)
#define UNPACKED_FACTOR 20 /* an archive may unpack to this many times its ceiling */
#define ETAG_MAX 256
#define REDIRECTS_MAX 10

/* One download: the file being written and what is known of the remote one. */
typedef struct download {
    const mewl_fetch_source *source;
    const mewl_progress *progress;
    char part[MEWL__PATH_MAX], tag_path[MEWL__PATH_MAX];
    FILE *file;
    int64_t from, written, max_bytes; /* from: bytes kept of an earlier part */
    char tag[ETAG_MAX];               /* ETag of this answer */
    bool too_long, write_failed;
} download;

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    download *d = user;
    size_t n = size * count;
    if (d->from + d->written + (int64_t)n > d->max_bytes) {
        d->too_long = true;
        return 0;
    }
    if (fwrite(data, 1, n, d->file) != n) {
        d->write_failed = true;
        return 0;
    }
    d->written += (int64_t)n;
    return n;
}

/* Keeps the ETag of the final answer (earlier ones are of redirects). */
static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    download *d = user;
    size_t n = size * count;
    if (n > 5 && strncmp(data, "HTTP/", 5) == 0) {
        d->tag[0] = '\0';
    }
    if (n > 5 && strncasecmp(data, "etag:", 5) == 0) {
        size_t from = 5;
        while (from < n && (data[from] == ' ' || data[from] == '\t')) {
            from++;
        }
        size_t to = n;
        while (to > from && (data[to - 1] == '\r' || data[to - 1] == '\n' || data[to - 1] == ' ')) {
            to--;
        }
        if (to - from < ETAG_MAX) {
            memcpy(d->tag, data + from, to - from);
            d->tag[to - from] = '\0';
        }
    }
    return n;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    (void)up_total;
    (void)up_now;
    download *d = user;
    mewl_progress_report(d->progress, (double)(d->from + now), total > 0 ? (double)(d->from + total) : 0,
                         d->source->name);
    return 0;
}

static mewl_status set_up(CURL *curl, download *d, struct curl_slist **headers, const char *old_tag,
                          mewl_fetch_opts opts, char *sentence, mewl_error *err)
{
    long stall = (long)ceil(opts.timeout_s);
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, d->source->url);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, stall);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_USERAGENT, "mewl");
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sentence);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_WRITEDATA, d);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_HEADERDATA, d);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_XFERINFODATA, d);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    code = code != CURLE_OK ? code : curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)d->from);
    if (code == CURLE_OK && d->from > 0 && old_tag[0] != '\0') {
        char line[ETAG_MAX + 16];
        snprintf(line, sizeof line, "If-Range: %s", old_tag);
        *headers = curl_slist_append(NULL, line);
        code = *headers == NULL ? CURLE_OUT_OF_MEMORY : curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    }
    return code == CURLE_OK ? MEWL_OK
                            : mewl_error_set(err, MEWL_E_LIBRARY, "%s: %s", d->source->url, curl_easy_strerror(code));
}

/* What came of one try. */
typedef enum outcome { TRY_DONE, TRY_AGAIN, TRY_AFRESH, TRY_FAILED } outcome;

static outcome judge(const download *d, CURLcode code, long http, const char *sentence, mewl_status *status,
                     mewl_error *err)
{
    const char *url = d->source->url, *why = sentence[0] != '\0' ? sentence : curl_easy_strerror(code);
    if (code == CURLE_OK) {
        *status = MEWL_OK;
        return TRY_DONE;
    }
    if (d->too_long) {
        *status = mewl_error_set(err, MEWL_E_MEMORY, "%s: longer than %lld bytes", url, (long long)d->max_bytes);
        return TRY_FAILED;
    }
    if (d->write_failed) {
        *status = mewl_error_errno(err, errno != 0 ? errno : ENOSPC, d->part);
        return TRY_FAILED;
    }
    if (d->from > 0 && (code == CURLE_RANGE_ERROR || http == 416)) {
        *status = mewl_error_set(err, MEWL_E_IO, "%s: cannot be continued", url);
        return TRY_AFRESH;
    }
    if (code == CURLE_HTTP_RETURNED_ERROR && http >= 400 && http < 500 && http != 408 && http != 429) {
        *status = http == 404 || http == 410
                      ? mewl_error_set(err, MEWL_E_NOT_FOUND, "%s: not there (HTTP %ld)", url, http)
                  : http == 401 || http == 403
                      ? mewl_error_set(err, MEWL_E_PERMISSION, "%s: not allowed (HTTP %ld)", url, http)
                      : mewl_error_set(err, MEWL_E_IO, "%s: HTTP %ld", url, http);
        return TRY_FAILED;
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT || code == CURLE_TOO_MANY_REDIRECTS ||
        code == CURLE_PEER_FAILED_VERIFICATION) {
        *status = mewl_error_set(err, MEWL_E_IO, "%s: %.200s", url, why);
        return TRY_FAILED;
    }
    *status =
        mewl_error_set(err, code == CURLE_OPERATION_TIMEDOUT ? MEWL_E_TIMEOUT : MEWL_E_IO, "%s: %.200s", url, why);
    return TRY_AGAIN;
}

static int64_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (int64_t)info.st_size : 0;
}

static void read_tag(char *tag, const char *path)
{
    char *text;
    size_t size;
    tag[0] = '\0';
    if (mewl_file_read_all(&text, &size, path, ETAG_MAX, NULL) == MEWL_OK) {
        snprintf(tag, ETAG_MAX, "%s", text);
        tag[strcspn(tag, "\r\n")] = '\0';
        free(text);
    }
}

/* One try: continues the part when that can be trusted. */
static outcome try_once(download *d, bool afresh, bool checked, mewl_fetch_opts opts, mewl_status *status,
                        mewl_error *err)
{
    char old_tag[ETAG_MAX], sentence[CURL_ERROR_SIZE] = "";
    read_tag(old_tag, d->tag_path);
    d->from = afresh || (!checked && old_tag[0] == '\0') ? 0 : size_of(d->part);
    d->written = 0;
    d->tag[0] = '\0';
    d->file = fopen(d->part, d->from > 0 ? "ab" : "wb");
    if (d->file == NULL) {
        *status = mewl_error_errno(err, errno, d->part);
        return TRY_FAILED;
    }
    outcome result = TRY_FAILED;
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    *status = curl != NULL ? set_up(curl, d, &headers, old_tag, opts, sentence, err)
                           : mewl_error_set(err, MEWL_E_LIBRARY, "libcurl could not be started");
    if (*status == MEWL_OK) {
        long http = 0;
        CURLcode code = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
        result = judge(d, code, http, sentence, status, err);
    }
    if (fclose(d->file) != 0 && result == TRY_DONE) {
        *status = mewl_error_errno(err, errno, d->part);
        result = TRY_FAILED;
    }
    if (d->tag[0] != '\0' && strncmp(d->tag, "W/", 2) != 0) {
        (void)mewl_file_write(d->tag_path, d->tag, strlen(d->tag), NULL); /* without it the next try starts over */
    } else if (d->from == 0) {
        (void)unlink(d->tag_path);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result;
}

static void wait_s(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

static mewl_status bring(download *d, bool checked, mewl_fetch_opts opts, bool *resumed, mewl_error *err)
{
    mewl_status status = MEWL_OK;
    bool afresh = false;
    double wait = opts.backoff_s;
    for (int tries = 0; tries < opts.attempts; tries++) {
        outcome result = try_once(d, afresh, checked, opts, &status, err);
        if (result == TRY_DONE) {
            *resumed = d->from > 0;
            return MEWL_OK;
        }
        if (result == TRY_FAILED) {
            return status;
        }
        afresh = result == TRY_AFRESH;
        if (!afresh && tries + 1 < opts.attempts) {
            wait_s(wait);
            wait = fmin(60, wait * 2);
        }
    }
    return status;
}

static bool same_digest(const char *expected, const char *computed)
{
    return expected == NULL || expected[0] == '\0' || strcasecmp(expected, computed) == 0;
}

static bool is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64;
}

/* Checks the download and moves it to its name; a wrong one is kept as *.bad, out of the way of the next try. */
static mewl_status verify(mewl_fetch_result *result, const download *d, const char *path, const char *sha256,
                          mewl_error *err)
{
    char bad[MEWL__PATH_MAX + 8];
    MEWL_TRY(mewl_sha256_file(result->sha256, d->part, err));
    result->bytes = size_of(d->part);
    if (!same_digest(d->source->sha256, result->sha256) || !same_digest(sha256, result->sha256)) {
        const char *expected = !same_digest(d->source->sha256, result->sha256) ? d->source->sha256 : sha256;
        snprintf(bad, sizeof bad, "%s.bad", path);
        (void)rename(d->part, bad);
        (void)unlink(d->tag_path);
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: SHA-256 %s where %s is expected; kept as %.120s", d->source->url,
                              result->sha256, expected, bad);
    }
    result->verified = d->source->sha256[0] != '\0' || (sha256 != NULL && sha256[0] != '\0');
    if (rename(d->part, path) != 0) {
        return mewl_error_errno(err, errno, path);
    }
    (void)unlink(d->tag_path);
    return MEWL_OK;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    (void)remove(path);
    return 0; /* on to the rest */
}

/* Unpacks beside the final folder, then renames: what stands there under its name is whole. */
static mewl_status place(mewl_fetch_result *result, const mewl_fetch_source *source, const char *path,
                         const char *target, mewl_fetch_opts opts, const mewl_progress *progress, mewl_error *err)
{
    char folder[MEWL__PATH_MAX], fresh[MEWL__PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/%s", target, source->folder) >= (int)sizeof folder ||
        snprintf(fresh, sizeof fresh, "%s/.%s.unpacking-%ld", target, source->folder, (long)getpid()) >=
            (int)sizeof fresh) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    if (source->archive[0] == '\0') {
        MEWL_TRY(mewl_folder_make(folder, err));
        if (snprintf(result->path, sizeof result->path, "%s/%s", folder, source->file) >= (int)sizeof result->path) {
            return mewl_error_set(err, MEWL_E_ARG, "path too long");
        }
        return rename(path, result->path) == 0 ? MEWL_OK : mewl_error_errno(err, errno, result->path);
    }
    mewl_status status = mewl_unpack(path, fresh, opts.max_bytes * UNPACKED_FACTOR, progress, err);
    if (status == MEWL_OK && rename(fresh, folder) != 0) {
        status = mewl_error_errno(err, errno, folder);
    }
    if (status != MEWL_OK) {
        (void)nftw(fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* what failed is told; the archive stays */
        return status;
    }
    if (!opts.keep_archive) {
        (void)unlink(path);
    }
    snprintf(result->path, sizeof result->path, "%s", folder);
    return MEWL_OK;
}

/* Whether it is there already. */
static mewl_status check_free(const mewl_fetch_source *source, const char *target, mewl_error *err)
{
    char path[MEWL__PATH_MAX];
    bool single = source->archive[0] == '\0';
    if (snprintf(path, sizeof path, "%s/%s%s%s", target, source->folder, single ? "/" : "",
                 single ? source->file : "") >= (int)sizeof path) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    return access(path, F_OK) != 0
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_STATE, "%s: already there (remove it to fetch it anew)", path);
}

mewl_status mewl_fetch(mewl_fetch_result *result, const mewl_fetch_source *source, const char *target,
                       mewl_fetch_opts opts, const mewl_progress *progress, mewl_error *err)
{
    memset(result, 0, sizeof *result);
    opts.max_bytes = opts.max_bytes > 0 ? opts.max_bytes : MAX_BYTES_DEFAULT;
    opts.attempts = opts.attempts > 0 ? opts.attempts : 5;
    opts.timeout_s = opts.timeout_s > 0 ? opts.timeout_s : 30;
    opts.backoff_s = opts.backoff_s > 0 ? opts.backoff_s : 1;
    if (source->url[0] == '\0') {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s cannot be fetched by a program: %s%s%s", source->title,
                              source->note, source->page[0] != '\0' ? "; see " : "", source->page);
    }
    if (opts.sha256 != NULL && opts.sha256[0] != '\0' && !is_digest(opts.sha256)) {
        return mewl_error_set(err, MEWL_E_ARG, "'%.70s' is not a SHA-256 of 64 hexadecimal digits", opts.sha256);
    }
    char path[MEWL__PATH_MAX];
    download d = {.source = source, .progress = progress, .max_bytes = opts.max_bytes};
    if (snprintf(path, sizeof path, "%s/%s", target, source->file) >= (int)sizeof path - 16) {
        return mewl_error_set(err, MEWL_E_ARG, "path too long");
    }
    snprintf(d.part, sizeof d.part, "%.4080s.part", path);
    snprintf(d.tag_path, sizeof d.tag_path, "%.4070s.part.etag", path);
    MEWL_TRY(mewl_folder_make(target, err));
    MEWL_TRY(check_free(source, target, err));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return mewl_error_set(err, MEWL_E_LIBRARY, "libcurl could not be started");
    }
    bool checked = source->sha256[0] != '\0' || (opts.sha256 != NULL && opts.sha256[0] != '\0');
    mewl_status status = bring(&d, checked, opts, &result->resumed, err);
    status = status == MEWL_OK ? verify(result, &d, path, opts.sha256, err) : status;
    if (status == MEWL_E_FORMAT && result->resumed) {
        /* Two halves of two different files: the whole of one decides. */
        status = bring(&d, checked, opts, &result->resumed, err);
        status = status == MEWL_OK ? verify(result, &d, path, opts.sha256, err) : status;
    }
    curl_global_cleanup();
    MEWL_TRY(status);
    return place(result, source, path, target, opts, progress, err);
}
