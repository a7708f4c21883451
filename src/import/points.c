/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of measured collectives. */
#include "import/points.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_POINTS = 128, MOST_POINTS = 1000000 };

muir_status muir_points_add(muir_ctx *ctx, muir_points *points, muir_point point)
{
    if (!(point.bytes > 0.0) || !(point.time_s > 0.0) || !isfinite(point.bytes) || !isfinite(point.time_s)) {
        points->skipped++;
        return MUIR_OK;
    }
    if (points->n >= MOST_POINTS)
        return muir_fail(ctx, MUIR_ERR_ARG, "more than %d measurements", MOST_POINTS);
    if (points->n == points->room) {
        const int room = points->room ? 2 * points->room : FIRST_POINTS;
        muir_point *more = realloc(points->at, (size_t)room * sizeof *more);
        if (!more) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for measurements");
        points->at = more;
        points->room = room;
    }
    points->at[points->n++] = point;
    return MUIR_OK;
}

void muir_points_free(muir_points *points)
{
    free(points->at);
    *points = (muir_points){.at = NULL};
}

muir_coll_kind muir_points_kind(const char *name)
{
    static const struct {
        const char *name;
        muir_coll_kind kind;
    } names[] = {{"allreduce", MUIR_ALL_REDUCE},  {"allgather", MUIR_ALL_GATHER},
                 {"allgat", MUIR_ALL_GATHER},     {"reducescatter", MUIR_REDUCE_SCATTER},
                 {"redsct", MUIR_REDUCE_SCATTER}, {"alltoall", MUIR_ALL_TO_ALL},
                 {"broadcast", MUIR_BROADCAST},   {"bcast", MUIR_BROADCAST},
                 {"sendrecv", MUIR_SEND_RECV}};
    char plain[64];
    size_t n = 0;
    for (const char *c = name; *c && n + 1 < sizeof plain; c++)
        if (isalpha((unsigned char)*c)) plain[n++] = (char)tolower((unsigned char)*c);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(plain, names[i].name, strlen(names[i].name)) == 0) return names[i].kind;
    return MUIR_COLL_KIND_COUNT;
}

int muir_points_given(const muir_import_source *source, const char *key)
{
    const char *value = muir_import_given(source, key);
    const long n = value ? strtol(value, NULL, 10) : 0;
    return n > 0 && n <= 1000000000 ? (int)n : 0;
}
