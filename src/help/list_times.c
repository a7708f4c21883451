/* SPDX-License-Identifier: BSD-3-Clause */
/* muir list collectives FLEET [CHIPS]: what the fleet's library takes, and what each algorithm would. */
#include "help/list_times.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "collectives/file.h"
#include "collectives/walk.h"
#include "network/network.h"
#include "scenario/scenario.h"
#include "text/json.h"
#include "text/print.h"

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

/* Where rows go: to paper, or to the lists of a JSON document. */
typedef struct times_out {
    muir_json *root; /* NULL: print */
    muir_json ways, algorithms;
} times_out;

typedef struct time_row {
    const char *name;
    int rounds;
    double sent_share; /* by the busiest chip, of S */
    double time_s[N_SIZES];
} time_row;

/* file  in  of the row; NULL: it is of the table */
static muir_status make_row(muir_ctx *ctx, const muir_coll *coll, const muir_coll_file *file, int p,
                            const muir_coll_network *network, double base_s, time_row *row)
{
    muir_status st = MUIR_OK;
    muir_coll_walk walk;
    row->name = coll->name;
    const double walked = 4096.0 * p * (file ? file->chunks : 1); /* so that chunks are of one size */
    if (file)
        MUIR_TRY(muir_coll_walk_file(ctx, file, walked, network, &walk));
    else
        MUIR_TRY(muir_coll_walk_make(ctx, coll, walked, p, network, &walk));
    for (int i = 0; i < N_SIZES; i++) /* loads of links are in proportion to the size */
        row->time_s[i] = base_s + walk.alpha_s + (walk.time_s - walk.alpha_s) * SIZES[i] / walked;
    row->rounds = walk.rounds;
    row->sent_share = walk.most_sent / walked;
done:
    return st;
}

/* One row of a list: the operation, its name under `key`, and the time at each size.
 * times  in   [N_SIZES] [s]
 * best   in   [N_SIZES] under `mark`: the way taken, or the shortest time */
static muir_json put_row(muir_json *list, const char *op, const char *key, const char *name,
                         const double times_s[N_SIZES], const char *mark, const bool best[N_SIZES])
{
    muir_json row = muir_json_item(list);
    muir_json_text(&row, "op", op);
    muir_json_text(&row, key, name);
    muir_json times = muir_json_list(&row, "times");
    for (int i = 0; i < N_SIZES; i++) {
        muir_json at = muir_json_item(&times);
        muir_json_count(&at, "bytes", (int64_t)SIZES[i]);
        muir_json_real(&at, "time_s", times_s[i]);
        muir_json_is(&at, mark, best[i]);
    }
    return row;
}

static void put_algorithm(times_out *out, const char *op, const time_row *row, const double least_s[N_SIZES])
{
    bool is_least[N_SIZES];
    for (int i = 0; i < N_SIZES; i++) is_least[i] = row->time_s[i] <= least_s[i];
    muir_json item =
        put_row(&out->algorithms, op, "algorithm", row->name, row->time_s, "is_shortest", is_least);
    if (row->rounds < 0) return;
    muir_json_count(&item, "rounds", row->rounds);
    muir_json_real(&item, "sent_share", row->sent_share);
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

/* The step lists of muir's own algorithms for one operation. */
static muir_status list_kind(muir_ctx *ctx, const muir_fleet *fleet, const muir_coll_file *file,
                             muir_coll_kind kind, int p, times_out *out)
{
    muir_status st = MUIR_OK;
    time_row rows[MOST_ROWS];
    double least_s[N_SIZES] = {INFINITY, INFINITY, INFINITY, INFINITY};
    const muir_coll_network network = network_of(fleet, p);
    const double base_s = p > muir_fleet_domain(fleet) ? fleet->fabric.base_s : fleet->server.base_s;
    int n = 0;
    for (size_t i = 0; i <= muir_coll_count() && n < MOST_ROWS; i++) {
        const bool is_file = i == muir_coll_count();
        if (is_file && !file) break;
        const muir_coll *coll = is_file ? &file->coll : muir_coll_at(i);
        if (coll->kind != kind || !coll->steps || (!is_file && !muir_coll_fits(coll, p))) continue;
        MUIR_TRY(make_row(ctx, coll, is_file ? file : NULL, p, &network, base_s, &rows[n]));
        for (int s = 0; s < N_SIZES; s++) least_s[s] = fmin(least_s[s], rows[n].time_s[s]);
        n++;
    }
    for (int i = 0; i < n; i++)
        if (out->root)
            put_algorithm(out, muir_coll_kind_name(kind), &rows[i], least_s);
        else
            print_row(muir_coll_kind_name(kind), &rows[i], least_s);
done:
    return st;
}

/* The class of links that holds a flow up: the busiest one. */
static const char *busiest(const muir_flow *flow)
{
    int most = 0;
    for (int link = 1; link < MUIR_LINK_COUNT; link++)
        if (flow->load_s[link] > flow->load_s[most]) most = link;
    return muir_link_name((muir_link)most);
}

/* One way at every size; flow is that of the largest. */
static void show_way(const char *op, const muir_way *way, const double time_s[N_SIZES],
                     const bool is_taken[N_SIZES], const muir_flow *flow, times_out *out)
{
    if (out->root) {
        muir_json row = put_row(&out->ways, op, "way", way->name, time_s, "is_taken", is_taken);
        muir_json_real(&row, "latency_s", flow->latency_s);
        muir_json_text(&row, "busiest", busiest(flow));
        muir_json_text(&row, "needs", way->needs);
        return;
    }
    printf("  %-14s  %-20s", op, way->name);
    for (int s = 0; s < N_SIZES; s++) printf(" %10s%s", muir_time_text(time_s[s]).s, is_taken[s] ? "*" : " ");
    printf("  %10s  %s\n", muir_time_text(flow->latency_s).s, busiest(flow));
}

/* The ways that the fleet's library has for one operation, and which it takes. */
static void list_ways(const muir_fleet *fleet, muir_coll_kind kind, int64_t p, times_out *out)
{
    const muir_group group = muir_group_place(fleet, 1, p);
    const muir_way *taken[N_SIZES];
    double time_s[N_SIZES];
    bool is_taken[N_SIZES];
    muir_flow flow;
    for (int s = 0; s < N_SIZES; s++) taken[s] = muir_way_choose(fleet, &group, kind, SIZES[s], NULL, &flow);
    for (int i = 0; i < muir_way_count(); i++) {
        const muir_way *way = muir_way_at(i);
        if (!way->fits(fleet, &group, kind)) continue;
        for (int s = 0; s < N_SIZES; s++) {
            muir_way_choose(fleet, &group, kind, SIZES[s], way, &flow);
            time_s[s] = flow.time_s;
            is_taken[s] = taken[s] == way;
        }
        show_way(muir_coll_kind_name(kind), way, time_s, is_taken, &flow, out);
    }
}

static void print_sizes(void)
{
    for (int i = 0; i < N_SIZES; i++) printf(" %10s ", muir_bytes_text(SIZES[i]).s);
}

/* What each way that the table shows is for. */
static void print_needs(const muir_fleet *fleet, int64_t p)
{
    const muir_group group = muir_group_place(fleet, 1, p);
    printf("\nways, and what each needs:\n");
    for (int i = 0; i < muir_way_count(); i++) {
        const muir_way *way = muir_way_at(i);
        char first[40];
        bool is_shown = false;
        for (int k = 0; k <= MUIR_BROADCAST; k++)
            is_shown = is_shown || way->fits(fleet, &group, (muir_coll_kind)k);
        snprintf(first, sizeof first, "  %s ", way->name);
        if (is_shown) muir_print_wrapped(first, 24, way->needs);
    }
}

static void list_library(const muir_fleet *fleet, const char *name, int64_t p, times_out *out)
{
    if (out->root) {
        muir_json_text(out->root, "provenance", "modelled");
        muir_json_text(out->root, "fleet", name);
        muir_json_text(out->root, "library", muir_fleet_library(fleet));
        muir_json_count(out->root, "chips", p);
        out->ways = muir_json_list(out->root, "ways");
    } else {
        printf("modelled: the first %lld chips of %s with its library %s; * marks what the library picks.\n"
               "latency and busiest links are those of the largest size\n\n  %-14s  %-20s",
               (long long)p, name, muir_fleet_library(fleet), "op", "way");
        print_sizes();
        printf("  %10s  %s\n", "latency", "busiest");
    }
    for (int k = 0; k <= MUIR_BROADCAST; k++) list_ways(fleet, (muir_coll_kind)k, p, out);
    if (!out->root) print_needs(fleet, p);
}

/* muir's own algorithms, on as many chips as their step lists are walked for. */
static muir_status list_algorithms(muir_ctx *ctx, const muir_fleet *fleet, const muir_coll_file *file,
                                   int64_t p, times_out *out)
{
    muir_status st = MUIR_OK;
    if (out->root) out->algorithms = muir_json_list(out->root, "algorithms");
    if (p > MUIR_WALK_RANKS) {
        if (!out->root) printf("\nmuir's own algorithms are listed for at most %d chips\n", MUIR_WALK_RANKS);
        return MUIR_OK;
    }
    if (!out->root) {
        printf("\nmuir's own algorithms there, by their step lists; each chip sends one message at a time:\n"
               "t = start + sum over rounds of (alpha + most over links of bytes / rate); * marks the "
               "shortest.\n"
               "sent: by the busiest chip, as a multiple of the size\n\n  %-14s  %-20s %6s %9s",
               "op", "algorithm", "rounds", "sent");
        print_sizes();
        printf("\n");
    }
    for (int k = 0; k < MUIR_COLL_KIND_COUNT; k++)
        MUIR_TRY(list_kind(ctx, fleet, file, (muir_coll_kind)k, (int)p, out));
done:
    return st;
}

static muir_status read_chips(muir_ctx *ctx, const char *text, muir_fleet *fleet, int64_t *p)
{
    const int64_t all = muir_fleet_chips(fleet), site = fleet->fabric.site_servers * fleet->server.chips;
    const int64_t most = site > 0 && site < all ? site : all; /* ways and step lists know one site */
    char *end = NULL;
    const int64_t usual = fleet->server.chips > 1 ? fleet->server.chips : 8;
    const long long given = text ? strtoll(text, &end, 10) : usual < most ? usual : most;
    if ((text && (end == text || *end)) || given < 2 || given > most)
        return muir_fail(ctx, MUIR_ERR_ARG, "CHIPS is '%s', but must be 2 to %lld%s", text ? text : "",
                         (long long)most, most == site ? ", a site" : "");
    *p = given;
    muir_fleet_slice(fleet, given);
    return MUIR_OK;
}

muir_status muir_list_times(muir_ctx *ctx, const char *fleet, const char *chips, const char *file_path,
                            const char *json_path)
{
    muir_status st = MUIR_OK;
    muir_coll_file *file = NULL;
    muir_scenario *scenario = calloc(1, sizeof *scenario);
    char override[MUIR_TEXT_SIZE];
    const char *const overrides[] = {override, "parallel.pp=1", "parallel.dp=1"};
    muir_json_notes notes;
    muir_json root = {.value = NULL};
    times_out out = {.root = json_path ? &root : NULL};
    int64_t p = 0;
    if (!scenario) MUIR_TRY(muir_fail(ctx, MUIR_ERR_MEM, "no memory for a fleet"));
    snprintf(override, sizeof override, "fleet=%s", fleet);
    MUIR_TRY(muir_scenario_load(ctx, "tiny", overrides, 3, scenario));
    MUIR_TRY(read_chips(ctx, chips, &scenario->fleet, &p));
    if (file_path) MUIR_TRY(muir_coll_file_create(ctx, file_path, &file));
    if (file && file->ranks != p)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s is for %d ranks: muir list collectives %s %d --file %s",
                           file_path, file->ranks, fleet, file->ranks, file_path));
    if (json_path) root = muir_json_begin(&notes);
    list_library(&scenario->fleet, fleet, p, &out);
    MUIR_TRY(list_algorithms(ctx, &scenario->fleet, file, p, &out));
    if (json_path) st = muir_json_end(ctx, &root, json_path);
done:
    muir_json_drop(&root);
    muir_coll_file_destroy(&file);
    free(scenario);
    return st;
}
