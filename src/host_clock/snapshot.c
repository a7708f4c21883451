/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes and contents of what a rank saves. */
#include "host_clock/snapshot.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/simd.h"

enum { WEIGHT_BYTES = 2, WORDS = 512 }; /* WORDS: contents that are made at a time */

bool muir_snapshot_is_wanted(const muir_scenario *scenario)
{
    return scenario->faults.checkpoint.storage != MUIR_STORAGE_OFF && scenario->host.every > 0 &&
           strcmp(scenario->host.checkpoint, "off") != 0;
}

muir_snapshot_facts muir_snapshot_size(const muir_scenario *s, const muir_program *program,
                                       const muir_fold *fold, double factor)
{
    const double per_param = s->faults.checkpoint.bytes_per_param;
    muir_snapshot_facts f = {0.0, 0.0, {0, 0}};
    if (!muir_snapshot_is_wanted(s)) return f;
    f.job_bytes = program->params * per_param;
    double bytes = (double)s->host.checkpoint_bytes;
    if (bytes == 0.0)
        bytes = fmax(2.0, floor(f.job_bytes / ((double)muir_job_chips(&s->job) * factor * factor)));
    f.divisor = f.job_bytes / (bytes * fold->mesh_ranks);
    if (fold->place[0] < 0) return f;
    f.bytes[0] = (int64_t)fmax(1.0, floor(bytes * fmin(WEIGHT_BYTES, per_param) / per_param));
    f.bytes[1] = (int64_t)bytes - f.bytes[0];
    return f;
}

const char *muir_snapshot_name(int part)
{
    static const char *const names[MUIR_SNAPSHOT_PARTS] = {"weights", "optimizer"};
    return names[part];
}

static uint64_t key_of(uint64_t seed, int64_t step, int rank, int part)
{
    const uint64_t index = 4 * (uint64_t)rank + 2 * (uint64_t)part;
    return (uint64_t)muir_rng_at(seed, MUIR_STREAM_STATE, (uint32_t)step, index) << 32 |
           muir_rng_at(seed, MUIR_STREAM_STATE, (uint32_t)step, index + 1);
}

MUIR_CLONES static void make_words(uint64_t key, uint64_t first, uint64_t words[WORDS])
{
    for (uint64_t i = 0; i < WORDS; i++) {
        uint64_t z = key + (first + i) * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        words[i] = z ^ z >> 31;
    }
}

void muir_snapshot_fill(uint64_t seed, int64_t step, int rank, int part, void *data, size_t bytes)
{
    const uint64_t key = key_of(seed, step, rank, part);
    uint64_t words[WORDS];
    for (size_t at = 0; at < bytes; at += sizeof words) {
        make_words(key, at / sizeof words[0], words);
        memcpy((char *)data + at, words, bytes - at < sizeof words ? bytes - at : sizeof words);
    }
}

int64_t muir_snapshot_check(uint64_t seed, int64_t step, int rank, int part, const void *data, size_t bytes)
{
    const uint64_t key = key_of(seed, step, rank, part);
    uint64_t words[WORDS];
    for (size_t at = 0; at < bytes; at += sizeof words) {
        const size_t n = bytes - at < sizeof words ? bytes - at : sizeof words;
        make_words(key, at / sizeof words[0], words);
        if (memcmp((const char *)data + at, words, n) == 0) continue;
        for (size_t i = 0; i < n; i++)
            if (((const char *)data)[at + i] != ((const char *)words)[i]) return (int64_t)(at + i);
    }
    return -1;
}
