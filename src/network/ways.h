/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways in which a library can do a collective, and which of them it takes. */
#ifndef MUIR_NETWORK_WAYS_H
#define MUIR_NETWORK_WAYS_H

#include "base/words.h"
#include "network/links.h"

/* One way. A file of src/network/ ends with it. */
typedef struct muir_way {
    const char *name;
    const char *needs; /* when a library has it, for people */
    /* Whether the fleet's library has it for this group of at least two and this operation. */
    bool (*fits)(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind);
    /* What it costs; bytes as in muir_coll_time_s. */
    muir_flow (*flow)(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind, double bytes);
    const char *source;
} muir_way;

/* Rows of ways.def. Local. */
int muir_way_count(void);
const muir_way *muir_way_at(int i);

/* The one of that name, NULL: none. Local. */
const muir_way *muir_way_find(const char *name);

/* The quickest way that fits, as a library's tuner would take it; a group over several sites takes it on each
 * site and then crosses (network.h).
 * forced  in   NULL: any; a way that does not fit falls back to any
 * flow    out  what it costs; all zero for a group of one
 * Returns NULL for a group of one. Local. */
const muir_way *muir_way_choose(const muir_fleet *fleet, const muir_group *group, muir_coll_kind kind,
                                double bytes, const muir_way *forced, muir_flow *flow);

/* Whether the operation leaves every member with a sum, moves parts of the whole to or from every member, or
 * sends from each to each. Local. */
bool muir_kind_is_all_reduce(muir_coll_kind kind);
bool muir_kind_is_part(muir_coll_kind kind);
bool muir_kind_is_exchange(muir_coll_kind kind);

#endif
