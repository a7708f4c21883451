/* SPDX-License-Identifier: BSD-3-Clause */
/* muir list collectives FLEET [CHIPS]: what each algorithm would take there. */
#include "cmd/list_times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "collectives/walk.h"
#include "network/network.h"
#include "scenario/scenario.h"

enum { N_SIZES = 4, MOST_ROWS = 64 };

static const double SIZES[N_SIZES] = {64.0 * 1024, 1048576.0, 32.0 * 1048576, 1073741824.0};

/* The first p chips of the fleet, at the rates that the fleet clock reckons with. */
static muir_coll_network network_of(const muir_fleet *fleet, int p)
{
    const muir_server *server = &fleet->server;
    const muir_fabric *fabric = &fleet->fabric;
    const int64_t domain = muir_fleet_domain(fleet);
    const bool is_beyond_leaf =
        p > fmax((double)domain, (double)server->chips * (double)fabric->leaf_servers);
    muir_coll_network n = {
        .local = p < domain ? p : (int)domain,
        .is_torus = server->topology == MUIR_TORUS,
        .side = {muir_fleet_side(fleet, 0), muir_fleet_side(fleet, 1), muir_fleet_side(fleet, 2)},
        .link_byte_per_s = {server->link_x_byte_per_s * server->efficiency,
                            server->link_y_byte_per_s * server->efficiency,
                            server->link_z_byte_per_s * server->efficiency},
        .port_byte_per_s = server->port_byte_per_s * server->efficiency,
        .alpha_s = server->alpha_s,
        .far_byte_per_s =
            fabric->port_byte_per_s * fabric->efficiency / (is_beyond_leaf ? fabric->oversubscription : 1.0),
        .far_alpha_s = fabric->alpha_s,
    };
    return n;
}

typedef struct time_row {
    const char *name;
    int rounds;
    double sent_share; /* by the busiest chip, of S */
    double time_s[N_SIZES];
} time_row;

static muir_status make_row(muir_ctx *ctx, const muir_coll *coll, int p, const muir_coll_network *network,
                            double base_s, time_row *row)
{
    muir_status st = MUIR_OK;
    muir_coll_walk walk;
    row->name = coll->name;
    const double walked = 4096.0 * p;
    MUIR_TRY(muir_coll_walk_make(ctx, coll, walked, p, network, &walk));
    for (int i = 0; i < N_SIZES; i++) /* loads of links are in proportion to the size */
        row->time_s[i] = base_s + walk.alpha_s + (walk.time_s - walk.alpha_s) * SIZES[i] / walked;
    row->rounds = walk.rounds;
    row->sent_share = walk.most_sent / walked;
done:
    return st;
}

static void print_row(const char *op, const time_row *row, const double least_s[N_SIZES])
{
    printf("  %-14s  %-20s", op, row->name);
    if (row->rounds >= 0)
        printf(" %6d %9.4g", row->rounds, row->sent_share);
    else
        printf(" %6s %9s", "", "");
    for (int i = 0; i < N_SIZES; i++)
        printf(" %10s%s", muir_time_text(row->time_s[i]).s, row->time_s[i] <= least_s[i] ? "*" : " ");
    printf("\n");
}

/* All rows of one operation, and what the fleet clock takes for it. */
static muir_status list_kind(muir_ctx *ctx, const muir_fleet *fleet, muir_coll_kind kind, int p)
{
    muir_status st = MUIR_OK;
    time_row rows[MOST_ROWS], clock = {.name = "(fleet clock)", .rounds = -1};
    double least_s[N_SIZES] = {INFINITY, INFINITY, INFINITY, INFINITY};
    const muir_coll_network network = network_of(fleet, p);
    const muir_group group = muir_group_place(fleet, 1, p);
    const double base_s = p > muir_fleet_domain(fleet) ? fleet->fabric.base_s : fleet->server.base_s;
    int n = 0;
    for (size_t i = 0; i < muir_coll_count() && n < MOST_ROWS; i++) {
        const muir_coll *coll = muir_coll_at(i);
        if (coll->kind != kind || !coll->steps || !muir_coll_fits(coll, p)) continue;
        MUIR_TRY(make_row(ctx, coll, p, &network, base_s, &rows[n]));
        for (int s = 0; s < N_SIZES; s++) least_s[s] = fmin(least_s[s], rows[n].time_s[s]);
        n++;
    }
    for (int i = 0; i < n; i++) print_row(muir_coll_kind_name(kind), &rows[i], least_s);
    const double none_s[N_SIZES] = {0.0};
    for (int s = 0; s < N_SIZES; s++) clock.time_s[s] = muir_coll_time_s(fleet, &group, kind, SIZES[s]);
    if (n > 0 && kind <= MUIR_ALL_TO_ALL) print_row(muir_coll_kind_name(kind), &clock, none_s);
done:
    return st;
}

static muir_status read_chips(muir_ctx *ctx, const char *text, muir_fleet *fleet, int *p)
{
    /* Step lists know servers and one fabric. */
    const int64_t all = muir_fleet_chips(fleet), site = fleet->fabric.site_servers * fleet->server.chips;
    const int64_t known = site > 0 && site < all ? site : all;
    const int64_t most = known < MUIR_WALK_RANKS ? known : MUIR_WALK_RANKS;
    char *end = NULL;
    const int64_t usual = fleet->server.chips > 1 ? fleet->server.chips : 8;
    const long long given = text ? strtoll(text, &end, 10) : usual < most ? usual : most;
    if ((text && (end == text || *end)) || given < 2 || given > most)
        return muir_fail(ctx, MUIR_ERR_ARG, "CHIPS is '%s', but must be 2 to %lld%s", text ? text : "",
                         (long long)most, most == site ? ", a site" : "");
    *p = (int)given;
    muir_fleet_slice(fleet, given);
    return MUIR_OK;
}

muir_status muir_list_times(muir_ctx *ctx, const char *fleet, const char *chips)
{
    muir_status st = MUIR_OK;
    muir_scenario *scenario = calloc(1, sizeof *scenario);
    char override[MUIR_TEXT_SIZE];
    const char *const overrides[] = {override, "parallel.pp=1", "parallel.dp=1"};
    int p = 0;
    if (!scenario) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a fleet"));
    snprintf(override, sizeof override, "fleet=%s", fleet);
    MUIR_TRY(muir_scenario_load(ctx, "tiny", overrides, 3, scenario));
    MUIR_TRY(read_chips(ctx, chips, &scenario->fleet, &p));
    if (!muir_is_root(ctx)) goto done;
    printf(
        "modelled: the first %d chips of %s, by each algorithm's step list:\n"
        "t = start + sum over rounds of (alpha + most over links of bytes / rate); * least of the column.\n"
        "sent: by the busiest chip, of the size. (fleet clock): what muir run reckons with\n\n"
        "  %-14s  %-20s %6s %9s",
        p, fleet, "op", "algorithm", "rounds", "sent");
    for (int i = 0; i < N_SIZES; i++) printf(" %10s ", muir_bytes_text(SIZES[i]).s);
    printf("\n");
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        MUIR_TRY(list_kind(ctx, &scenario->fleet, (muir_coll_kind)k, p));
done:
    free(scenario);
    return muir_agree(ctx, st);
}
