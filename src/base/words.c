/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and sizes of the shared words. */
#include "base/words.h"

#include <string.h>

typedef struct dtype_row {
    const char *name;
    size_t bytes;
} dtype_row;

static const dtype_row dtypes[] = {
#define DTYPE_ROW(constant, name, bytes) {name, bytes},
    MUIR_DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};

#define WORD_NAME(constant, name) name,
static const char *const axis_names[] = {MUIR_AXIS_LIST(WORD_NAME)};
static const char *const coll_names[] = {MUIR_COLL_LIST(WORD_NAME)};
static const char *const phase_names[] = {MUIR_PHASE_LIST(WORD_NAME)};
#undef WORD_NAME

const char *muir_dtype_name(muir_dtype dtype)
{
    return dtype < MUIR_DTYPE_COUNT ? dtypes[dtype].name : "unknown";
}

const char *muir_axis_name(muir_axis axis)
{
    return axis < MUIR_AXIS_COUNT ? axis_names[axis] : "unknown";
}

const char *muir_coll_kind_name(muir_coll_kind kind)
{
    return kind < MUIR_COLL_KIND_COUNT ? coll_names[kind] : "unknown";
}

const char *muir_phase_name(muir_phase phase)
{
    return phase < MUIR_PHASE_COUNT ? phase_names[phase] : "unknown";
}

muir_dtype muir_dtype_find(const char *name)
{
    muir_dtype dtype = 0;
    while (dtype < MUIR_DTYPE_COUNT && strcmp(name, dtypes[dtype].name) != 0) dtype++;
    return dtype;
}

static int index_of(const char *name, const char *const *names, int n)
{
    int i = 0;
    while (i < n && strcmp(name, names[i]) != 0) i++;
    return i;
}

muir_axis muir_axis_find(const char *name)
{
    return (muir_axis)index_of(name, axis_names, MUIR_AXIS_COUNT);
}

muir_coll_kind muir_coll_kind_find(const char *name)
{
    return (muir_coll_kind)index_of(name, coll_names, MUIR_COLL_KIND_COUNT);
}

size_t muir_dtype_bytes(muir_dtype dtype)
{
    return dtype < MUIR_DTYPE_COUNT ? dtypes[dtype].bytes : 0;
}

double muir_busbw_factor(muir_coll_kind kind, int p)
{
    const double share = (double)(p - 1) / (double)p;
    switch (kind) {
    case MUIR_ALL_REDUCE: return 2.0 * share;
    case MUIR_REDUCE_SCATTER:
    case MUIR_ALL_GATHER:
    case MUIR_ALL_TO_ALL:
    case MUIR_ALL_TO_ALLV: return share;
    default: return 1.0;
    }
}
