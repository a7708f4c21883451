/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of measured collectives: their hardware, and predictions. */
#include "validation/collectives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "scenario/catalogue.h"
#include "scenario/scenario.h"
#include "validation/collectives_interval.h"

enum { MOST_FLEETS = 128, MOST_SERVERS = 100000000 };

/* Fleets that rows asked for, each loaded once. */
typedef struct fleet_shelf {
    char name[MOST_FLEETS][MUIR_COLLECTIVE_FLEET];
    muir_fleet *fleet; /* [MOST_FLEETS] */
    int n;
} fleet_shelf;

typedef struct reader {
    muir_ctx *ctx;         /* of one process */
    const muir_csv *table; /* measured collectives */
    const muir_csv *names; /* data/collectives_hardware.csv */
    fleet_shelf shelf;
} reader;

static muir_status take_fleet(reader *r, const char *name, const muir_fleet **fleet)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = NULL;
    char override[MUIR_TEXT_SIZE];
    const char *const overrides[] = {override, "parallel.pp=1", "parallel.dp=1"};
    fleet_shelf *shelf = &r->shelf;
    for (int i = 0; i < shelf->n; i++)
        if (strcmp(shelf->name[i], name) == 0) {
            *fleet = &shelf->fleet[i];
            return MUIR_OK;
        }
    if (shelf->n == MOST_FLEETS)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "more than %d fleets in one table", MOST_FLEETS);
    MUIR_TRY(muir_alloc(r->ctx, 1, sizeof *scenario, "a fleet", &scenario));
    snprintf(override, sizeof override, "fleet=%s", name);
    MUIR_TRY(muir_scenario_load(r->ctx, "tiny", overrides, 3, scenario));
    snprintf(shelf->name[shelf->n], MUIR_COLLECTIVE_FLEET, "%s", name);
    shelf->fleet[shelf->n] = scenario->fleet;
    *fleet = &shelf->fleet[shelf->n++];
done:
    free(scenario);
    return st;
}

/* Rows of one kind in data/collectives_hardware.csv, from `*at` on; false at the end. */
static bool next_name(const muir_csv *names, const char *kind, int *at)
{
    while (*at < names->n_rows && strcmp(muir_csv_get(names, *at, "kind"), kind) != 0) (*at)++;
    return *at < names->n_rows;
}

/* The value of the first row of a kind whose text is `text`; NULL: none. */
static const char *value_of(const muir_csv *names, const char *kind, const char *text)
{
    for (int i = 0; next_name(names, kind, &i); i++)
        if (strcasecmp(muir_csv_get(names, i, "text"), text) == 0) return muir_csv_get(names, i, "value");
    return NULL;
}

/* The value of the first row of a kind whose text is found in what a table's row says of itself. */
static const char *value_in(const reader *r, const char *kind, int row)
{
    static const char *const said[] = {"library", "notes", "source", "fleet"};
    for (int i = 0; next_name(r->names, kind, &i); i++)
        for (size_t c = 0; c < sizeof said / sizeof said[0]; c++)
            if (strcasestr(muir_csv_get(r->table, row, said[c]), muir_csv_get(r->names, i, "text")))
                return muir_csv_get(r->names, i, "value");
    return NULL;
}

static muir_status number(const reader *r, int row, const char *column, double least, double most,
                          double *value)
{
    const char *text = muir_csv_get(r->table, row, column);
    char *end = NULL;
    const double number = strtod(text, &end);
    if (end == text || *end || !(number >= least && number <= most))
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s is '%s', but must be a number from %g to %g", column, text,
                         least, most);
    *value = number;
    return MUIR_OK;
}

/* The fleet that the row names, or the one whose servers have its chip. */
static muir_status find_server(reader *r, int i, muir_collective_row *row)
{
    const char *given = muir_csv_get(r->table, i, "fleet"), *found = NULL;
    char both[2 * MUIR_NAME_SIZE];
    if (*given) {
        found = value_of(r->names, "fleet", given);
        if (!found && muir_catalogue_has(r->ctx, "fleets", given)) found = given;
    }
    snprintf(both, sizeof both, "%s/%s", row->chip, muir_csv_get(r->table, i, "intra"));
    if (!found) found = value_of(r->names, "server", both);
    if (!found) found = value_of(r->names, "server", row->chip);
    if (!found)
        return muir_fail(r->ctx, MUIR_ERR_ARG,
                         "no fleet has chip '%s': add a row of kind server to data/collectives_hardware.csv",
                         row->chip);
    snprintf(row->server, sizeof row->server, "%s", found);
    return MUIR_OK;
}

/* Server and fabric of fleets, with the row's own numbers in them. */
static muir_status find_hardware(reader *r, int i, muir_collective_row *row)
{
    muir_status st = MUIR_OK;
    const muir_fleet *server = NULL, *fabric = NULL;
    double chips = 0.0, adapters = 0.0, gbit = 0.0;
    MUIR_TRY(find_server(r, i, row));
    const char *words = value_in(r, "fabric", i);
    snprintf(row->fabric, sizeof row->fabric, "%s", words ? words : row->server);
    const char *transport = value_of(r->names, "transport", row->fabric);
    snprintf(row->transport, sizeof row->transport, "%s", transport ? transport : "rdma");
    MUIR_TRY(take_fleet(r, row->server, &server));
    MUIR_TRY(take_fleet(r, row->fabric, &fabric));
    MUIR_TRY(number(r, i, "chips_per_server", 1, 100000, &chips));
    row->fleet = *server;
    row->fleet.fabric = fabric->fabric;
    row->fleet.top.servers = MOST_SERVERS;
    /* A part of a server's mesh has a part of its links. */
    const bool is_part = server->server.topology == MUIR_MESH && row->servers == 1;
    if (server->server.topology != MUIR_TORUS && !is_part) row->fleet.server.chips = (int64_t)chips;
    if (*muir_csv_get(r->table, i, "nics_per_server")) {
        MUIR_TRY(number(r, i, "nics_per_server", 0, 100000, &adapters));
        MUIR_TRY(number(r, i, "nic_gbit", 0, 1e6, &gbit));
    }
    if (adapters * gbit > 0.0) {
        row->fleet.fabric.port_byte_per_s = adapters * gbit * 1e9 / 8.0 / chips;
        row->fleet.fabric.chips_per_adapter = chips / adapters;
    }
    /* Measured alone, on as many leaves as it takes; how large they are is not said. */
    if (row->fleet.fabric.collisions == 0.0) row->fleet.fabric.leaf_servers = MOST_SERVERS;
done:
    return st;
}

static muir_status read_row(reader *r, int i, muir_collective_row *row)
{
    muir_status st = MUIR_OK;
    double servers = 0.0, ranks = 0.0, time_us = 0.0;
    const char *launch = value_in(r, "launch", i), *way = muir_csv_get(r->table, i, "algorithm");
    if (value_in(r, "skip", i))
        return muir_fail(r->ctx, MUIR_ERR_ARG, "%s", muir_csv_get(r->table, i, "notes"));
    row->kind = muir_coll_kind_find(row->op);
    if (row->kind == MUIR_COLL_KIND_COUNT)
        return muir_fail(r->ctx, MUIR_ERR_ARG, "op is '%s', which is not a collective", row->op);
    MUIR_TRY(number(r, i, "servers", 1, MOST_SERVERS, &servers));
    MUIR_TRY(number(r, i, "ranks", 2, 1e9, &ranks));
    MUIR_TRY(number(r, i, "bytes", 0, 1e15, &row->bytes));
    MUIR_TRY(number(r, i, "time_us", 1e-6, 1e12, &time_us));
    row->servers = (int64_t)servers;
    row->real_s = time_us * 1e-6;
    MUIR_TRY(find_hardware(r, i, row));
    row->launch_s = launch ? strtod(launch, NULL) : 0.0;
    if (*way) {
        const char *name = value_of(r->names, "way", way);
        row->forced = name ? muir_way_find(name) : NULL;
        if (!row->forced)
            MUIR_TRY(muir_fail(r->ctx, MUIR_ERR_ARG, "algorithm is '%s', which muir does not model", way));
        row->fleet.library.fabric_reduction = strcmp(name, "fabric_reduction") == 0;
    }
    muir_fleet_slice(&row->fleet, (int64_t)ranks);
    row->group = muir_group_place(&row->fleet, 1, (int64_t)ranks);
    const char *spread = value_of(r->names, "spread",
                                  muir_collective_cell_name(muir_collective_cell(row->servers, row->bytes)));
    row->spread = spread ? strtod(spread, NULL) : NAN;
done:
    return st;
}

/* A row that cannot be read is skipped with its reason; only lack of memory ends the whole. */
static muir_status read_rows(reader *r, muir_collective_row *rows)
{
    for (int i = 0; i < r->table->n_rows; i++) {
        muir_collective_row *row = &rows[i];
        memset(row, 0, sizeof *row);
        row->id = muir_csv_get(r->table, i, "id");
        row->source = muir_csv_get(r->table, i, "source");
        row->chip = muir_csv_get(r->table, i, "chip");
        row->op = muir_csv_get(r->table, i, "op");
        const muir_status st = read_row(r, i, row);
        if (st == MUIR_ERR_MEM || st == MUIR_ERR_MPI) return st;
        if (st == MUIR_OK) continue;
        row->is_skipped = true;
        snprintf(row->why, sizeof row->why, "%.*s", MUIR_COLLECTIVE_WHY - 1, r->ctx->message);
        muir_ctx_clear(r->ctx);
    }
    return MUIR_OK;
}

muir_status muir_collectives_read(muir_ctx *ctx, const muir_csv *table, muir_collective_row *rows)
{
    static const char *const needed[] = {"id",    "chip", "servers", "chips_per_server",
                                         "ranks", "op",   "bytes",   "time_us"};
    muir_status st = MUIR_OK;
    reader r = {.table = table};
    muir_csv *names = NULL;
    char root[1024], path[1100];
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!muir_csv_has(table, needed[i]))
            return muir_fail(ctx, MUIR_ERR_ARG, "the table has no column '%s'", needed[i]);
    MUIR_TRY(muir_alloc(ctx, MOST_FLEETS, sizeof *r.shelf.fleet, "fleets", &r.shelf.fleet));
    MUIR_TRY(muir_catalogue_root(ctx, root, sizeof root));
    snprintf(path, sizeof path, "%s/collectives_hardware.csv", root);
    MUIR_TRY(muir_csv_read(ctx, path, &names));
    MUIR_TRY(muir_ctx_create_alone(&r.ctx));
    r.names = names;
    st = read_rows(&r, rows);
    if (st != MUIR_OK) MUIR_TRY(muir_fail(ctx, st, "%s", r.ctx->message));
done:
    muir_ctx_destroy(&r.ctx);
    muir_csv_destroy(&names);
    free(r.shelf.fleet);
    return st;
}

void muir_collective_predict(muir_collective_row *row)
{
    muir_flow flow;
    row->way = muir_way_choose(&row->fleet, &row->group, row->kind, row->bytes, row->forced, &flow);
    row->predicted_s = flow.time_s + row->launch_s;
    row->error = row->predicted_s / row->real_s - 1.0;
}
