/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading host.algorithms and host.all_reduce, host.reduce_scatter, ... against the table of collectives. */
#include "host_clock/algorithms.h"

#include <stdio.h>
#include <string.h>

/* The word that leaves the choice to a measurement. */
static const char *const automatic = "auto";

enum { KNOWN_SIZE = 600 };

/* The algorithm of a kind on all axes, "" where there is no key for it. */
static const char *name_for_all(const muir_scenario *scenario, muir_coll_kind kind)
{
    const muir_host_options *host = &scenario->host;
    switch (kind) {
    case MUIR_ALL_REDUCE: return host->all_reduce;
    case MUIR_REDUCE_SCATTER: return host->reduce_scatter;
    case MUIR_ALL_GATHER: return host->all_gather;
    case MUIR_ALL_TO_ALL: return host->all_to_all;
    default: return "";
    }
}

/* One entry AXIS.OP=ALGORITHM of host.algorithms. */
typedef struct entry {
    char axis[MUIR_NAME_SIZE], op[MUIR_NAME_SIZE], algorithm[MUIR_NAME_SIZE];
} entry;

static bool copy(char to[MUIR_NAME_SIZE], const char *from, size_t n)
{
    if (n == 0 || n >= MUIR_NAME_SIZE) return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

/* Cuts the next entry off `text`; false where it is not of the form, `is_end` behind the last. */
static bool next_entry(const char **text, entry *e, bool *is_end)
{
    const char *start = *text + strspn(*text, ", \t\n");
    const size_t length = strcspn(start, ", \t\n");
    *is_end = length == 0;
    *text = start + length;
    const char *dot = memchr(start, '.', length), *equals = memchr(start, '=', length);
    if (*is_end) return true;
    if (!dot || !equals || equals < dot) return false;
    return copy(e->axis, start, (size_t)(dot - start)) && copy(e->op, dot + 1, (size_t)(equals - dot - 1)) &&
           copy(e->algorithm, equals + 1, (size_t)(start + length - equals - 1));
}

/* Operations without a row have no algorithm to ask for. */
static bool has_rows(muir_coll_kind kind)
{
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (muir_coll_at(i)->kind == kind) return true;
    return false;
}

static void append(char known[KNOWN_SIZE], const char *name)
{
    const size_t used = strlen(known);
    snprintf(known + used, KNOWN_SIZE - used, "%s%s", used ? ", " : "", name);
}

static muir_status fail_algorithm(muir_ctx *ctx, const char *what, muir_coll_kind kind, const char *name)
{
    char known[KNOWN_SIZE] = "";
    append(known, automatic);
    for (size_t i = 0; i < muir_coll_count(); i++)
        if (muir_coll_at(i)->kind == kind) append(known, muir_coll_at(i)->name);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s '%s' is unknown; known: %s", what, name, known);
}

static muir_status check_entry(muir_ctx *ctx, const entry *e)
{
    char known[KNOWN_SIZE] = "", what[3 * MUIR_NAME_SIZE];
    const muir_coll_kind kind = muir_coll_kind_find(e->op);
    if (muir_axis_find(e->axis) == MUIR_AXIS_COUNT) {
        for (muir_axis axis = 0; axis < MUIR_AXIS_COUNT; axis++) append(known, muir_axis_name(axis));
        return muir_fail(ctx, MUIR_ERR_ARG, "host.algorithms: axis '%s' is unknown; known: %s", e->axis,
                         known);
    }
    if (kind == MUIR_COLL_KIND_COUNT || !has_rows(kind)) {
        for (muir_coll_kind k = 0; k < MUIR_COLL_KIND_COUNT; k++)
            if (has_rows(k)) append(known, muir_coll_kind_name(k));
        return muir_fail(ctx, MUIR_ERR_ARG, "host.algorithms: operation '%s' is unknown; known: %s", e->op,
                         known);
    }
    if (strcmp(e->algorithm, automatic) == 0 || muir_coll_find(kind, e->algorithm)) return MUIR_OK;
    snprintf(what, sizeof what, "host.algorithms: %s.%s", e->axis, e->op);
    return fail_algorithm(ctx, what, kind, e->algorithm);
}

muir_status muir_host_algorithms_check(muir_ctx *ctx, const muir_scenario *scenario)
{
    for (muir_coll_kind kind = 0; kind < MUIR_COLL_KIND_COUNT; kind++) {
        const char *name = name_for_all(scenario, kind);
        char what[2 * MUIR_NAME_SIZE];
        if (name[0] == '\0' || strcmp(name, automatic) == 0 || muir_coll_find(kind, name)) continue;
        snprintf(what, sizeof what, "host.%s", muir_coll_kind_name(kind));
        return fail_algorithm(ctx, what, kind, name);
    }
    bool is_end = false;
    for (const char *text = scenario->host.algorithms; !is_end;) {
        entry e;
        if (!next_entry(&text, &e, &is_end))
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "host.algorithms is '%s', but must be a list such as tp.all_reduce=ring, "
                             "dp.all_gather=shared",
                             scenario->host.algorithms);
        if (is_end) break;
        const muir_status st = check_entry(ctx, &e);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

const muir_coll *muir_host_algorithm(const muir_scenario *scenario, muir_axis axis, muir_coll_kind kind)
{
    const char *name = name_for_all(scenario, kind);
    bool is_end = false;
    entry e;
    for (const char *text = scenario->host.algorithms; next_entry(&text, &e, &is_end) && !is_end;)
        if (muir_axis_find(e.axis) == axis && muir_coll_kind_find(e.op) == kind)
            return muir_coll_find(kind, e.algorithm); /* none is called `auto` */
    return muir_coll_find(kind, name);
}
