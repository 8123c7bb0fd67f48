/* arena.c - see arena.h. Blocks are kept in a list, each at least twice as large as the one before (up to a limit), so
 * that the number of mallocs grows with the logarithm of the bytes. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 24)

struct mewl_arena_block {
    mewl_arena_block *next;
    size_t capacity, used;
    unsigned char *bytes; /* inside this same allocation, aligned */
};

static size_t round_up(size_t bytes)
{
    return (bytes + (MEWL_ARENA_ALIGN - 1)) & ~(size_t)(MEWL_ARENA_ALIGN - 1);
}

void mewl_arena_init(mewl_arena *arena, size_t max_bytes)
{
    *arena = (mewl_arena){.max_bytes = max_bytes};
}

static mewl_arena_block *block_new(size_t capacity)
{
    size_t header = round_up(sizeof(mewl_arena_block));
    if (capacity > SIZE_MAX - header) {
        return NULL;
    }
    mewl_arena_block *block = aligned_alloc(MEWL_ARENA_ALIGN, header + capacity);
    if (block != NULL) {
        *block = (mewl_arena_block){.capacity = capacity, .bytes = (unsigned char *)block + header};
    }
    return block;
}

/* A block after `current` with room for `bytes`: the next one when it fits, else a new one in between. */
static mewl_arena_block *block_after_current(mewl_arena *arena, size_t bytes)
{
    mewl_arena_block *next = arena->current != NULL ? arena->current->next : arena->first;
    if (next != NULL && next->capacity >= bytes) {
        return next;
    }
    size_t capacity = arena->current != NULL ? arena->current->capacity * 2 : BLOCK_MIN;
    if (capacity > BLOCK_MAX) {
        capacity = BLOCK_MAX;
    }
    if (capacity < bytes) {
        capacity = bytes;
    }
    mewl_arena_block *block = block_new(capacity);
    if (block == NULL) {
        return NULL;
    }
    block->next = next;
    if (arena->current != NULL) {
        arena->current->next = block;
    } else {
        arena->first = block;
    }
    return block;
}

void *mewl_arena_alloc(mewl_arena *arena, size_t bytes)
{
    if (bytes > arena->max_bytes - arena->used_bytes || bytes > SIZE_MAX - MEWL_ARENA_ALIGN) {
        return NULL;
    }
    size_t room = round_up(bytes > 0 ? bytes : 1); /* distinct pointers, also for pieces of nothing */
    mewl_arena_block *block = arena->current;
    if (block == NULL || block->capacity - block->used < room) {
        block = block_after_current(arena, room);
        if (block == NULL) {
            return NULL;
        }
        arena->current = block;
    }
    void *piece = block->bytes + block->used;
    block->used += room;
    arena->used_bytes += bytes;
    memset(piece, 0, room);
    return piece;
}

void *mewl_arena_array(mewl_arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return mewl_arena_alloc(arena, bytes);
}

char *mewl_arena_string(mewl_arena *arena, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t bytes = strlen(text) + 1;
    char *copy = mewl_arena_alloc(arena, bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void mewl_arena_reset(mewl_arena *arena)
{
    for (mewl_arena_block *block = arena->first; block != NULL; block = block->next) {
        block->used = 0;
    }
    arena->current = NULL;
    arena->used_bytes = 0;
}

void mewl_arena_fini(mewl_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    mewl_arena_block *block = arena->first;
    while (block != NULL) {
        mewl_arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (mewl_arena){.max_bytes = arena->max_bytes};
}
