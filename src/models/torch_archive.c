/* torch_archive.c - the form of torch.save since PyTorch 1.6 (torch_form.h): a zip archive whose members must be stored
 * as they are, so that none can grow beyond the file. The storage read last is kept, for the views that share one. */
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "models/torch_form.h"

#define MAX_MEMBERS 131072
#define MAX_MEMBER_NAME 256
#define MAX_FOLDER 128
#define MAX_KEY 64 /* of a storage */

typedef struct archive {
    const mewl__torch_source *source;
    zip_t *zip;
    char folder[MAX_FOLDER]; /* "archive/" */
    uint8_t *kept;           /* the member borrowed last */
    zip_int64_t kept_index;
} archive;

bool mewl__torch_archive_recognise(const uint8_t *head, size_t count)
{
    return count >= 4 && memcmp(head, "PK\x03\x04", 4) == 0;
}

/* Index and size of a member that is stored as it is. */
static mewl_status find_member(const archive *file, zip_int64_t *index, uint64_t *size, const char *member,
                               mewl_error *err)
{
    zip_stat_t st;
    *index = zip_name_locate(file->zip, member, 0);
    if (*index < 0 || zip_stat_index(file->zip, (zip_uint64_t)*index, 0, &st) != 0) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: the archive holds no `%s`", file->source->name, member);
    }
    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((st.valid & need) != need || st.comp_method != ZIP_CM_STORE ||
        ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && st.encryption_method != ZIP_EM_NONE)) {
        return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                              "%s: `%s` is compressed or encrypted; torch.save stores members as they are",
                              file->source->name, member);
    }
    if (st.size != st.comp_size || st.size > file->source->size) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` claims %llu bytes in a file of %llu", file->source->name,
                              member, (unsigned long long)st.size, (unsigned long long)file->source->size);
    }
    *size = st.size;
    return MEWL_OK;
}

/* The whole of a member, in a block that the caller frees. */
static mewl_status read_member(const archive *file, uint8_t **out, zip_int64_t index, uint64_t size, const char *member,
                               mewl_error *err)
{
    uint8_t *bytes = malloc((size_t)size + 1);
    zip_file_t *f = bytes != NULL ? zip_fopen_index(file->zip, (zip_uint64_t)index, 0) : NULL;
    mewl_status status = MEWL_OK;
    if (bytes == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", file->source->name);
    } else if (f == NULL) {
        status =
            mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s`: %s", file->source->name, member, zip_strerror(file->zip));
    } else if (zip_fread(f, bytes, size) != (zip_int64_t)size || zip_fread(f, bytes + size, 1) != 0) {
        /* The second read finds the end, which is when libzip compares the checksum. */
        status = mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` cannot be read whole: %s", file->source->name, member,
                                zip_file_strerror(f));
    }
    if (f != NULL) {
        (void)zip_fclose(f);
    }
    if (status != MEWL_OK) {
        free(bytes);
        bytes = NULL;
    }
    *out = bytes;
    return status;
}

/* Finds "<folder>/data.pkl" and from it the folder. */
static mewl_status find_folder(archive *file, mewl_error *err)
{
    const zip_int64_t members = zip_get_num_entries(file->zip, 0);
    if (members > MAX_MEMBERS) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: an archive of %lld members is more than is read",
                              file->source->name, (long long)members);
    }
    for (zip_int64_t i = 0; i < members; i++) {
        const char *member = zip_get_name(file->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        const char *slash = member != NULL ? strchr(member, '/') : NULL;
        if (slash != NULL && strcmp(slash, "/data.pkl") == 0 && slash - member + 1 < MAX_FOLDER) {
            memcpy(file->folder, member, (size_t)(slash - member) + 1);
            return MEWL_OK;
        }
    }
    return mewl_error_set(err, MEWL_E_UNSUPPORTED,
                          "%s: a zip archive, but no PyTorch checkpoint: it holds no <folder>/data.pkl",
                          file->source->name);
}

/* torch 2 notes the byte order of the machine that saved. */
static mewl_status check_byte_order(const archive *file, mewl_error *err)
{
    char member[MAX_MEMBER_NAME];
    zip_int64_t index;
    uint64_t size;
    uint8_t *bytes;
    (void)snprintf(member, sizeof member, "%sbyteorder", file->folder);
    if (zip_name_locate(file->zip, member, 0) < 0) {
        return MEWL_OK;
    }
    MEWL_TRY(find_member(file, &index, &size, member, err));
    MEWL_TRY(read_member(file, &bytes, index, size, member, err));
    const bool little = size == 6 && memcmp(bytes, "little", 6) == 0;
    free(bytes);
    return little ? MEWL_OK
                  : mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: saved on a machine that is not little-endian",
                                   file->source->name);
}

/* "archive/data/17"; false for a key that no torch.save writes. */
static bool storage_member(const archive *file, char out[MAX_MEMBER_NAME], const mewl__pickle_storage *storage)
{
    if (storage->key_count == 0 || storage->key_count > MAX_KEY) {
        return false;
    }
    for (size_t i = 0; i < storage->key_count; i++) {
        const char c = storage->key[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_') {
            return false;
        }
    }
    char key[MAX_KEY + 1] = {0};
    memcpy(key, storage->key, storage->key_count);
    (void)snprintf(out, MAX_MEMBER_NAME, "%sdata/%s", file->folder, key);
    return true;
}

/* Place and size of a storage's member, which must be as long as the pickle says. */
static mewl_status find_storage(const archive *file, zip_int64_t *index, uint64_t *size, char member[MAX_MEMBER_NAME],
                                const mewl__pickle_storage *storage, mewl_error *err)
{
    if (!storage_member(file, member, storage)) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a storage with an impossible key", file->source->name);
    }
    MEWL_TRY(find_member(file, index, size, member, err));
    const uint64_t bytes = mewl__torch_type_bytes(storage->type);
    if (storage->elements > *size || *size != storage->elements * bytes) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` has %llu bytes where %llu elements of %s should be",
                              file->source->name, member, (unsigned long long)*size,
                              (unsigned long long)storage->elements, mewl_torch_type_name(storage->type));
    }
    return MEWL_OK;
}

static mewl_status archive_check(void *self, const mewl__pickle_storage *storage, mewl_error *err)
{
    zip_int64_t index;
    uint64_t size;
    char member[MAX_MEMBER_NAME];
    return find_storage(self, &index, &size, member, storage, err);
}

static mewl_status archive_borrow(void *self, const uint8_t **out, const mewl__pickle_storage *storage, uint64_t at,
                                  uint64_t count, mewl_error *err)
{
    archive *file = self;
    zip_int64_t index;
    uint64_t size;
    char member[MAX_MEMBER_NAME];
    MEWL_TRY(find_storage(file, &index, &size, member, storage, err));
    if (file->kept == NULL || file->kept_index != index) {
        free(file->kept);
        file->kept = NULL;
        MEWL_TRY(read_member(file, &file->kept, index, size, member, err));
        file->kept_index = index;
    }
    if (at > size || count > size - at) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: `%s` ends too early", file->source->name, member);
    }
    *out = file->kept + at;
    return MEWL_OK;
}

static void archive_close(void *self)
{
    archive *file = self;
    if (file != NULL) {
        if (file->zip != NULL) {
            zip_discard(file->zip);
        }
        free(file->kept);
        free(file);
    }
}

static const mewl__torch_form_ops ops = {archive_check, archive_borrow, archive_close};

static mewl_status read_pickle(archive *file, mewl__pickle **out, mewl_error *err)
{
    char member[MAX_MEMBER_NAME];
    zip_int64_t index;
    uint64_t size;
    uint8_t *bytes;
    MEWL_TRY(find_folder(file, err));
    MEWL_TRY(check_byte_order(file, err));
    (void)snprintf(member, sizeof member, "%sdata.pkl", file->folder);
    MEWL_TRY(find_member(file, &index, &size, member, err));
    if (size > MEWL__PICKLE_MAX_BYTES) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: `%s` of %llu bytes is more than is read", file->source->name,
                              member, (unsigned long long)size);
    }
    MEWL_TRY(read_member(file, &bytes, index, size, member, err));
    const mewl_status status = mewl__pickle_run(out, bytes, (size_t)size, file->source->name, err);
    free(bytes);
    return status;
}

/* libzip reads a file by its name, memory by its address. */
static mewl_status open_zip(archive *file, const char *path, mewl_error *err)
{
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = path != NULL ? zip_source_file_create(path, 0, -1, &why)
                                        : zip_source_buffer_create(file->source->bytes, file->source->size, 0, &why);
    if (source != NULL) {
        file->zip = zip_open_from_source(source, ZIP_RDONLY, &why);
        if (file->zip == NULL) {
            zip_source_free(source);
        }
    }
    const mewl_status status = file->zip != NULL ? MEWL_OK
                                                 : mewl_error_set(err, MEWL_E_FORMAT, "%s: broken zip archive: %s",
                                                                  file->source->name, zip_error_strerror(&why));
    zip_error_fini(&why);
    return status;
}

mewl_status mewl__torch_archive_open(mewl__torch_form *form, const mewl__torch_source *source, const char *path,
                                     mewl_error *err)
{
    *form = (mewl__torch_form){.ops = &ops};
    archive *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", source->name);
    }
    file->source = source;
    mewl_status status = open_zip(file, path, err);
    if (status == MEWL_OK) {
        status = read_pickle(file, &form->pickle, err);
    }
    if (status != MEWL_OK) {
        archive_close(file);
        return status;
    }
    form->self = file;
    return MEWL_OK;
}
