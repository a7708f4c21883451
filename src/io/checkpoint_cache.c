/* SPDX-License-Identifier: BSD-3-Clause */
/* Advice on the page cache while a checkpoint is moved. */
#include <fcntl.h>
#include <unistd.h>

#include "io/checkpoint_state.h"

/* Letting go takes a word with every core, which on a busy machine costs more than a slice. */
enum { READ_WINDOW = 4 * MUIR_CHECKPOINT_SLICE };

muir_checkpoint_cache muir_checkpoint_cache_begin(const char *path, hid_t dataset, int64_t first)
{
    muir_checkpoint_cache c = {.file = -1};
    const haddr_t address = H5Dget_offset(dataset);
    if (address == HADDR_UNDEF) return c;
    c.offset = (int64_t)address + first;
    c.file = open(path, O_RDWR | O_CLOEXEC);
    if (c.file < 0) c.file = open(path, O_RDONLY | O_CLOEXEC);
    return c;
}

static void let_go(muir_checkpoint_cache *c, int i)
{
    const unsigned until_written =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (c->bytes[i] == 0) return;
    sync_file_range(c->file, c->offset + c->at[i], c->bytes[i], until_written);
    posix_fadvise(c->file, c->offset + c->at[i], c->bytes[i], POSIX_FADV_DONTNEED);
    c->bytes[i] = 0;
}

void muir_checkpoint_cache_written(muir_checkpoint_cache *c, int64_t at, int64_t bytes)
{
    if (c->file < 0) return;
    let_go(c, c->next);
    c->at[c->next] = at;
    c->bytes[c->next] = bytes;
    sync_file_range(c->file, c->offset + at, bytes, SYNC_FILE_RANGE_WRITE);
    c->next = (c->next + 1) % MUIR_CHECKPOINT_BEHIND;
}

void muir_checkpoint_cache_read(muir_checkpoint_cache *c, int64_t at, int64_t bytes)
{
    const int64_t window = READ_WINDOW, end = at + bytes;
    if (c->file < 0 || end % window != 0) return;
    posix_fadvise(c->file, c->offset + end - window, window, POSIX_FADV_DONTNEED);
}

void muir_checkpoint_cache_end(muir_checkpoint_cache *c)
{
    if (c->file < 0) return;
    for (int i = 0; i < MUIR_CHECKPOINT_BEHIND; i++) let_go(c, (c->next + i) % MUIR_CHECKPOINT_BEHIND);
    close(c->file);
}
