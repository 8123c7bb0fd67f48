/* arena.h - many small allocations that live and die together, under a ceiling fixed at the start.
 *
 * Not a general allocator: single pieces are never given back. One thread at a time. */
#ifndef MEWL_BASE_ARENA_H
#define MEWL_BASE_ARENA_H

#include <stddef.h>

/* Every piece is aligned to this, so that vector loads of whole cache lines work. */
#define MEWL_ARENA_ALIGN 64

typedef struct mewl_arena_block mewl_arena_block;

/* In the caller's storage; fields are private. */
typedef struct mewl_arena {
    mewl_arena_block *first, *current;
    size_t used_bytes, max_bytes;
} mewl_arena;

/* An empty arena that will never hold more than max_bytes (padding and block headers not counted). Allocates nothing.
 */
void mewl_arena_init(mewl_arena *arena, size_t max_bytes);

/* `bytes` zeroed bytes (0 gives a valid pointer to none); NULL when the ceiling or the machine's memory is reached, the
 * arena staying as it was. Valid until reset or fini. */
void *mewl_arena_alloc(mewl_arena *arena, size_t bytes);

/* count * size bytes; NULL also when that overflows. */
void *mewl_arena_array(mewl_arena *arena, size_t count, size_t size);

/* A copy of a string; NULL text gives NULL. */
char *mewl_arena_string(mewl_arena *arena, const char *text);

/* Forgets all pieces and keeps the memory for the next round. */
void mewl_arena_reset(mewl_arena *arena);

/* Frees everything; the arena can be initialised again. NULL and a zeroed arena are fine. */
void mewl_arena_fini(mewl_arena *arena);

#endif
