/* torch_legacy.c - the form of torch.save before PyTorch 1.6 (torch_form.h). Every length is compared with the file's
 * before memory is asked for; views of storages, which PyTorch 0.3 and older wrote, are refused. */
#include <stdlib.h>
#include <string.h>

#include "models/torch_form.h"

#define PROTOCOL 1001
#define HEAD_BYTES 4096 /* that the second and third pickle may take */

static const uint8_t magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
#define MAGIC_AT 2 /* behind the opcode of the protocol */

/* A storage in the file. */
typedef struct place {
    const char *key; /* in the pickle of keys */
    size_t key_count;
    uint64_t elements, at; /* at: of the first value */
} place;

typedef struct legacy {
    const mewl__torch_source *source;
    mewl__pickle *keys;
    place *places; /* by key */
    size_t count;
    uint8_t *bytes; /* last borrowed */
    uint64_t room;
} legacy;

bool mewl__torch_legacy_recognise(const uint8_t *head, size_t count)
{
    return count >= MAGIC_AT + sizeof magic && head[0] == 0x80 && memcmp(head + MAGIC_AT, magic, sizeof magic) == 0;
}

/* The pickle at *at, which moves behind it; at most `most` bytes of the file are looked at. */
static mewl_status run_pickle(const mewl__torch_source *source, mewl__pickle **out, uint64_t *at, uint64_t most,
                              mewl_error *err)
{
    const uint64_t left = source->size - *at, count = left < most ? left : most;
    uint8_t *bytes = malloc((size_t)count + 1);
    *out = NULL;
    if (bytes == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", source->name);
    }
    mewl_status status = mewl__torch_source_read(source, bytes, *at, count, err);
    if (status == MEWL_OK) {
        status = mewl__pickle_run(out, bytes, (size_t)count, source->name, err);
    }
    free(bytes);
    *at += status == MEWL_OK ? mewl__pickle_used(*out) : 0;
    return status;
}

static mewl_status check_version(const mewl__torch_source *source, uint64_t *at, mewl_error *err)
{
    mewl__pickle *pickle;
    MEWL_TRY(run_pickle(source, &pickle, at, HEAD_BYTES, err));
    const mewl__pickle_value *version = mewl__pickle_root(pickle);
    const bool known = version->kind == MEWL__PICKLE_INT && version->as.integer == PROTOCOL;
    mewl__pickle_free(pickle);
    return known ? MEWL_OK
                 : mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: an old PyTorch checkpoint of another version than %d",
                                  source->name, PROTOCOL);
}

static mewl_status check_machine(const mewl__torch_source *source, uint64_t *at, mewl_error *err)
{
    mewl__pickle *pickle;
    MEWL_TRY(run_pickle(source, &pickle, at, HEAD_BYTES, err));
    const mewl__pickle_value *facts = mewl__pickle_root(pickle), *key;
    bool little = false;
    uint32_t cursor = facts->as.items.first;
    while (facts->kind == MEWL__PICKLE_DICT && (key = mewl__pickle_next(pickle, &cursor)) != NULL) {
        const mewl__pickle_value *value = mewl__pickle_next(pickle, &cursor);
        if (mewl__pickle_is_text(key, "little_endian")) {
            little = value->kind == MEWL__PICKLE_BOOL && value->as.integer != 0;
        }
    }
    mewl__pickle_free(pickle);
    return little ? MEWL_OK
                  : mewl_error_set(err, MEWL_E_UNSUPPORTED, "%s: saved on a machine that is not little-endian",
                                   source->name);
}

static int compare_keys(const void *a, const void *b)
{
    const place *x = a, *y = b;
    const size_t least = x->key_count < y->key_count ? x->key_count : y->key_count;
    const int order = memcmp(x->key, y->key, least);
    return order != 0 ? order : (x->key_count > y->key_count) - (x->key_count < y->key_count);
}

static const place *find_place(const legacy *l, const mewl__pickle_storage *storage)
{
    const place wanted = {.key = storage->key, .key_count = storage->key_count};
    return l->count == 0 ? NULL : bsearch(&wanted, l->places, l->count, sizeof wanted, compare_keys);
}

/* The element type that the pickle gives a key: storages are told apart by key alone. */
static const mewl__pickle_storage *described(const mewl__pickle_storage **by_key, size_t count, const place *wanted)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const place here = {.key = by_key[middle]->key, .key_count = by_key[middle]->key_count};
        const int order = compare_keys(&here, wanted);
        if (order == 0) {
            return by_key[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static int compare_storages(const void *a, const void *b)
{
    const mewl__pickle_storage *const *x = a, *const *y = b;
    const place p = {.key = (*x)->key, .key_count = (*x)->key_count};
    const place q = {.key = (*y)->key, .key_count = (*y)->key_count};
    return compare_keys(&p, &q);
}

/* One storage: 8 bytes for its elements, then they. *at moves behind it. */
static mewl_status take_place(legacy *l, place *p, const mewl__pickle_storage *storage, uint64_t *at, mewl_error *err)
{
    uint8_t head[8];
    if (storage == NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a storage that no tensor uses", l->source->name);
    }
    MEWL_TRY(mewl__torch_source_read(l->source, head, *at, sizeof head, err));
    p->elements = 0;
    for (size_t i = 0; i < sizeof head; i++) {
        p->elements |= (uint64_t)head[i] << 8 * i;
    }
    *at += sizeof head;
    const uint64_t bytes = mewl__torch_type_bytes(storage->type);
    if (p->elements > (l->source->size - *at) / bytes) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a storage claims %llu elements in a file of %llu bytes",
                              l->source->name, (unsigned long long)p->elements, (unsigned long long)l->source->size);
    }
    p->at = *at;
    *at += p->elements * bytes;
    return MEWL_OK;
}

/* The list of keys, and behind it the storages in its order. */
static mewl_status read_places(legacy *l, const mewl__pickle *object, const mewl__pickle_storage **by_key, uint64_t at,
                               mewl_error *err)
{
    const size_t storages = mewl__pickle_storage_count(object);
    for (size_t i = 0; i < storages; i++) {
        by_key[i] = mewl__pickle_storage_at(object, (uint32_t)i);
    }
    qsort(by_key, storages, sizeof *by_key, compare_storages);
    MEWL_TRY(run_pickle(l->source, &l->keys, &at, MEWL__PICKLE_MAX_BYTES, err));
    const mewl__pickle_value *list = mewl__pickle_root(l->keys), *key;
    if (list->kind != MEWL__PICKLE_LIST) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: no list of storages behind the object", l->source->name);
    }
    l->places = calloc((size_t)list->as.items.count + 1, sizeof *l->places);
    if (l->places == NULL) {
        return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", l->source->name);
    }
    uint32_t cursor = list->as.items.first;
    while (l->count < list->as.items.count && (key = mewl__pickle_next(l->keys, &cursor)) != NULL) {
        place *p = &l->places[l->count++];
        if (key->kind != MEWL__PICKLE_TEXT) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: a storage whose key is no text", l->source->name);
        }
        p->key = key->as.text.bytes;
        p->key_count = key->as.text.count;
        MEWL_TRY(take_place(l, p, described(by_key, storages, p), &at, err));
    }
    qsort(l->places, l->count, sizeof *l->places, compare_keys);
    for (size_t i = 1; i < l->count; i++) {
        if (compare_keys(&l->places[i - 1], &l->places[i]) == 0) {
            return mewl_error_set(err, MEWL_E_FORMAT, "%s: two storages of one key", l->source->name);
        }
    }
    return MEWL_OK;
}

static mewl_status legacy_check(void *self, const mewl__pickle_storage *storage, mewl_error *err)
{
    const legacy *l = self;
    const place *p = find_place(l, storage);
    if (p == NULL) {
        return mewl_error_set(err, MEWL_E_FORMAT, "%s: a tensor names a storage that the file does not hold",
                              l->source->name);
    }
    const uint64_t left = (l->source->size - p->at) / mewl__torch_type_bytes(storage->type);
    return p->elements == storage->elements && p->elements <= left
               ? MEWL_OK
               : mewl_error_set(err, MEWL_E_FORMAT, "%s: a storage has %llu elements where %llu should be",
                                l->source->name, (unsigned long long)p->elements,
                                (unsigned long long)storage->elements);
}

static mewl_status legacy_borrow(void *self, const uint8_t **out, const mewl__pickle_storage *storage, uint64_t at,
                                 uint64_t count, mewl_error *err)
{
    legacy *l = self;
    const place *p = find_place(l, storage);
    if (count > l->room) {
        uint8_t *grown = realloc(l->bytes, (size_t)count);
        if (grown == NULL) {
            return mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", l->source->name);
        }
        l->bytes = grown;
        l->room = count;
    }
    *out = l->bytes;
    return mewl__torch_source_read(l->source, l->bytes, p->at + at, count, err);
}

static void legacy_close(void *self)
{
    legacy *l = self;
    if (l != NULL) {
        mewl__pickle_free(l->keys);
        free(l->places);
        free(l->bytes);
        free(l);
    }
}

static const mewl__torch_form_ops ops = {legacy_check, legacy_borrow, legacy_close};

mewl_status mewl__torch_legacy_open(mewl__torch_form *form, const mewl__torch_source *source, mewl_error *err)
{
    *form = (mewl__torch_form){.ops = &ops};
    uint64_t at = MAGIC_AT + sizeof magic;
    MEWL_TRY(check_version(source, &at, err));
    MEWL_TRY(check_machine(source, &at, err));
    mewl__pickle *object;
    MEWL_TRY(run_pickle(source, &object, &at, MEWL__PICKLE_MAX_BYTES, err));
    legacy *l = calloc(1, sizeof *l);
    const mewl__pickle_storage **by_key = calloc(mewl__pickle_storage_count(object) + 1, sizeof *by_key);
    mewl_status status;
    if (l == NULL || by_key == NULL) {
        status = mewl_error_set(err, MEWL_E_MEMORY, "%s: out of memory", source->name);
    } else {
        l->source = source;
        status = read_places(l, object, by_key, at, err);
    }
    free(by_key);
    if (status != MEWL_OK) {
        mewl__pickle_free(object);
        legacy_close(l);
        return status;
    }
    form->self = l;
    form->pickle = object;
    return MEWL_OK;
}
