/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of algorithms, and how a vector is cut into blocks. */
#include "collectives/coll.h"

#include <string.h>

#define COLL(id) extern const muir_coll muir_coll_##id;
#include "collectives/collectives.def"
#undef COLL

static const muir_coll *const colls[] = {
#define COLL(id) &muir_coll_##id,
#include "collectives/collectives.def"
#undef COLL
};

size_t muir_coll_count(void)
{
    return sizeof colls / sizeof colls[0];
}

const muir_coll *muir_coll_at(size_t i)
{
    return colls[i];
}

const muir_coll *muir_coll_find(muir_coll_kind kind, const char *name)
{
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (colls[i]->kind == kind && strcmp(colls[i]->name, name) == 0) return colls[i];
    return NULL;
}

bool muir_coll_fits(const muir_coll *coll, int p)
{
    return !coll->fits || coll->fits(p);
}

void muir_coll_block(size_t count, int p, int rank, size_t *offset, size_t *n)
{
    const size_t blocks = (size_t)p, r = (size_t)rank, longer = count % blocks;
    *n = count / blocks + (r < longer);
    *offset = r * (count / blocks) + (r < longer ? r : longer);
}

const char *muir_coll_why_not(const muir_coll *coll, const muir_coll_comm *comm)
{
    return coll->why_not ? coll->why_not(comm) : NULL;
}

static bool is_exchange(muir_coll_kind kind)
{
    return kind == MUIR_ALL_TO_ALL || kind == MUIR_ALL_TO_ALLV;
}

void muir_coll_lengths(muir_coll_kind kind, size_t count, int p, int rank, size_t *n_send, size_t *n_recv)
{
    size_t offset, own;
    muir_coll_block(count, p, rank, &offset, &own);
    *n_send = *n_recv = 0;
    if (kind == MUIR_BARRIER) return;
    *n_send = kind == MUIR_ALL_GATHER ? own : count;
    *n_recv = kind == MUIR_REDUCE_SCATTER ? own : is_exchange(kind) ? (size_t)p * own : count;
}

void muir_coll_exchange(const muir_coll_spec *spec, int p, int from, int to, size_t *send_offset,
                        size_t *recv_offset, size_t *n)
{
    if (!spec->counts) {
        muir_coll_block(spec->count, p, to, send_offset, n);
        *recv_offset = (size_t)from * *n;
        return;
    }
    const size_t *row = spec->counts + (size_t)from * (size_t)p, *column = spec->counts + to;
    *send_offset = *recv_offset = 0;
    for (int r = 0; r < to; r++) *send_offset += row[r];
    for (int r = 0; r < from; r++) *recv_offset += column[(size_t)r * (size_t)p];
    *n = row[to];
}

void muir_coll_spec_lengths(muir_coll_kind kind, const muir_coll_spec *spec, int p, int rank, size_t *n_send,
                            size_t *n_recv)
{
    size_t offset, n;
    muir_coll_lengths(kind, spec->count, p, rank, n_send, n_recv);
    if (kind != MUIR_ALL_TO_ALLV || !spec->counts) return;
    muir_coll_exchange(spec, p, rank, p - 1, n_send, &offset, &n);
    *n_send += n;
    muir_coll_exchange(spec, p, p - 1, rank, &offset, n_recv, &n);
    *n_recv += n;
}
