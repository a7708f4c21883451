/* SPDX-License-Identifier: BSD-3-Clause */
/* Schemas of chip and fleet files, their checks, and the times of operations on one chip. */
#include "fleet/fleet.h"

#include <math.h>
#include <string.h>

#define OPTION MUIR_OPTION_ROW
#define MUIR_OPTION_OWNER muir_chip
static const muir_option chip_options[] = {
#include "fleet/chip.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_library
static const muir_option library_options[] = {
#include "fleet/library.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_fleet_top
static const muir_option top_options[] = {
#include "fleet/fleet.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_server
static const muir_option server_options[] = {
#include "fleet/server.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_fabric
static const muir_option fabric_options[] = {
#include "fleet/fabric.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_site
static const muir_option site_options[] = {
#include "fleet/site.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_variation
static const muir_option variation_options[] = {
#include "fleet/variation.def"
};
#undef MUIR_OPTION_OWNER
#undef OPTION

static const muir_section chip_sections[] = {MUIR_SECTION("", 0, chip_options)};
static const muir_section library_sections[] = {MUIR_SECTION("", 0, library_options)};
static const muir_section fleet_sections[] = {
    MUIR_SECTION("", offsetof(muir_fleet, top), top_options),
    MUIR_SECTION("server", offsetof(muir_fleet, server), server_options),
    MUIR_SECTION("fabric", offsetof(muir_fleet, fabric), fabric_options),
    MUIR_SECTION("site", offsetof(muir_fleet, site), site_options),
    MUIR_SECTION("variation", offsetof(muir_fleet, variation), variation_options),
};

const muir_schema muir_chip_schema = MUIR_SCHEMA("chip", "chips", chip_sections, muir_chip);
const muir_schema muir_library_schema = MUIR_SCHEMA("library", "libraries", library_sections, muir_library);
const muir_schema muir_fleet_schema = MUIR_SCHEMA("fleet", "fleets", fleet_sections, muir_fleet);

static muir_status check_torus(muir_ctx *ctx, const char *where, const muir_server *server)
{
    const double rates[MUIR_DIMS] = {server->link_x_byte_per_s, server->link_y_byte_per_s,
                                     server->link_z_byte_per_s};
    int64_t product = 1;
    for (int d = 0; d < MUIR_DIMS; d++) {
        product *= server->torus[d];
        if (server->torus[d] > 1 && rates[d] <= 0.0)
            return muir_fail(ctx, MUIR_ERR_ARG,
                             "%s: server.link_%c_byte_per_s is missing, but the torus has %d chips in %c",
                             where, "xyz"[d], server -> torus[d], "xyz"[d]);
        if (server->torus[d] == 1 && rates[d] != 0.0)
            return muir_fail(
                ctx, MUIR_ERR_ARG,
                "%s: server.link_%c_byte_per_s would change nothing: the torus has one chip in %c", where,
                "xyz"[d], "xyz"[d]);
    }
    if (product != server->chips)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: server.torus is %dx%dx%d, but server.chips is %lld", where,
                         server->torus[0], server->torus[1], server->torus[2], (long long)server->chips);
    if (server->reduction > 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: server.reduction would change nothing: topology is torus",
                         where);
    if (server->port_byte_per_s != 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: server.port_byte_per_s would change nothing: topology is torus", where);
    return MUIR_OK;
}

static muir_status check_switch(muir_ctx *ctx, const char *where, const muir_server *server)
{
    if (server->port_byte_per_s <= 0.0 && server->chips > 1)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: server.port_byte_per_s is missing, but topology is %s",
                         where, server->topology == MUIR_MESH ? "mesh" : "switch");
    if (server->reduction > 0.0 && server->topology == MUIR_MESH)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: server.reduction would change nothing: topology is mesh",
                         where);
    if (server->link_x_byte_per_s != 0.0 || server->link_y_byte_per_s != 0.0 ||
        server->link_z_byte_per_s != 0.0 || server->torus[0] * server->torus[1] * server->torus[2] != 1)
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "%s: server.torus and server.link_*_byte_per_s would change nothing: topology is not torus",
            where);
    return MUIR_OK;
}

/* A host drives whole shares of a server, and a rack holds whole servers, or a server whole racks. */
static muir_status check_hosts(muir_ctx *ctx, const char *where, const muir_server *server)
{
    const int64_t host = server->chips_per_host, rack = server->rack_chips, chips = server->chips;
    if (host > 0 && chips % host != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: server.chips_per_host=%lld does not divide server.chips=%lld", where,
                         (long long)host, (long long)chips);
    if (rack > 0 && chips % rack != 0 && rack % chips != 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: server.rack_chips=%lld is neither a part nor a multiple of server.chips=%lld",
                         where, (long long)rack, (long long)chips);
    return MUIR_OK;
}

static muir_status check_pods(muir_ctx *ctx, const char *where, const muir_server *server)
{
    if (server->pod_servers > 1 && server->topology != MUIR_TORUS)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: server.pod_servers=%lld joins tori, but topology is not torus", where,
                         (long long)server->pod_servers);
    if (server->pod_servers == 1 && server->rewire_s > 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: server.rewire_s would change nothing: pod_servers is 1",
                         where);
    return MUIR_OK;
}

static muir_status check_sites(muir_ctx *ctx, const char *where, const muir_fabric *fabric)
{
    if (fabric->site_servers > 0 && fabric->site_byte_per_s <= 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: fabric.site_byte_per_s is missing, but a site has site_servers=%lld", where,
                         (long long)fabric->site_servers);
    if (fabric->site_servers == 0 && (fabric->site_byte_per_s > 0.0 || fabric->site_alpha_s > 0.0))
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "%s: fabric.site_byte_per_s and site_alpha_s would change nothing: site_servers is 0", where);
    return MUIR_OK;
}

muir_status muir_fleet_check(muir_ctx *ctx, const char *where, const muir_fleet *fleet)
{
    muir_status st = MUIR_OK;
    const muir_server *server = &fleet->server;
    MUIR_TRY(server->topology == MUIR_TORUS ? check_torus(ctx, where, server)
                                            : check_switch(ctx, where, server));
    MUIR_TRY(check_hosts(ctx, where, server));
    MUIR_TRY(check_pods(ctx, where, server));
    MUIR_TRY(check_sites(ctx, where, &fleet->fabric));
done:
    return st;
}

const char *muir_fleet_library(const muir_fleet *fleet)
{
    if (strcmp(fleet->top.library, "auto") != 0) return fleet->top.library;
    return fleet->server.topology == MUIR_TORUS ? "tiers" : "nccl";
}

muir_status muir_library_check(muir_ctx *ctx, const char *where, const muir_fleet *fleet)
{
    if (fleet->server.topology == MUIR_TORUS && fleet->library.style != MUIR_TIERS)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "%s: style is rings, but the fleet's servers are tori, which need style tiers",
                         where);
    return MUIR_OK;
}

int64_t muir_fleet_sites(const muir_fleet *fleet)
{
    const int64_t site = fleet->fabric.site_servers;
    return site > 0 ? (fleet->top.servers + site - 1) / site : 1;
}

int64_t muir_fleet_hosts(const muir_fleet *fleet, int64_t chips)
{
    const muir_server *server = &fleet->server;
    const int64_t of_host = server->chips_per_host > 0 ? server->chips_per_host : server->chips;
    return (chips + of_host - 1) / of_host;
}

int64_t muir_fleet_rack_servers(const muir_fleet *fleet)
{
    const int64_t servers = fleet->server.rack_chips / fleet->server.chips;
    return servers > 1 ? servers : 1;
}

int64_t muir_fleet_chips(const muir_fleet *fleet)
{
    return fleet->top.servers * fleet->server.chips;
}

/* Sides of the most compact box of n. */
static void compact(int64_t n, int sides[MUIR_DIMS])
{
    int64_t least = INT64_MAX;
    for (int64_t a = 1; a * a * a <= n; a++) {
        if (n % a != 0) continue;
        for (int64_t b = a; a * b * b <= n; b++) {
            const int64_t c = n / a / b;
            if (n / a % b != 0 || a + b + c >= least) continue;
            least = a + b + c;
            sides[0] = (int)a, sides[1] = (int)b, sides[2] = (int)c;
        }
    }
}

void muir_fleet_slice(muir_fleet *fleet, int64_t chips)
{
    const int64_t servers = (chips + fleet->server.chips - 1) / fleet->server.chips,
                  pods = (servers + fleet->server.pod_servers - 1) / fleet->server.pod_servers;
    for (int d = 0; d < MUIR_DIMS; d++) fleet->tori[d] = 1;
    if (fleet->server.pod_servers > 1) compact((servers + pods - 1) / pods, fleet->tori);
}

int muir_fleet_side(const muir_fleet *fleet, int d)
{
    return fleet->server.torus[d] * (fleet->tori[d] > 0 ? fleet->tori[d] : 1);
}

int64_t muir_fleet_domain(const muir_fleet *fleet)
{
    int64_t servers = 1;
    for (int d = 0; d < MUIR_DIMS; d++) servers *= fleet->tori[d] > 0 ? fleet->tori[d] : 1;
    return servers * fleet->server.chips;
}

/* Useful share of a product's work when it is cut into tiles and the tiles are dealt to cores in rounds. */
static double tiling_quality(const muir_chip *chip, const muir_gemm_shape *s, double tile_m, double tile_n)
{
    const double tiles = ceil(s->m / tile_m) * ceil(s->n / tile_n) * s->count, cores = (double)chip->cores;
    const double in_tiles = s->m * s->n * s->count / (tiles * tile_m * tile_n);
    return in_tiles * tiles / (ceil(tiles / cores) * cores);
}

double muir_chip_gemm_time_s(const muir_chip *chip, const muir_gemm_shape *s)
{
    static const double halving_cost = 0.96;
    const double tile_m = (double)chip->tile_m, tile_n = (double)chip->tile_n;
    double quality = tiling_quality(chip, s, tile_m, tile_n);
    quality = fmax(quality, halving_cost * tiling_quality(chip, s, 0.5 * tile_m, tile_n));
    quality = fmax(quality, halving_cost * tiling_quality(chip, s, tile_m, 0.5 * tile_n));
    quality =
        fmax(quality, halving_cost * halving_cost * tiling_quality(chip, s, 0.5 * tile_m, 0.5 * tile_n));
    const double flop = 2.0 * s->m * s->n * s->k * s->count * s->share;
    const double byte_per_s = chip->hbm_byte_per_s * chip->hbm_fraction;
    const double compute_s = flop / (s->peak_flop_per_s * s->fraction * quality);
    return chip->launch_s + fmax(compute_s + chip->epilogue * s->out_bytes / byte_per_s,
                                 (s->in_bytes + s->out_bytes) / byte_per_s);
}

double muir_chip_mem_time_s(const muir_chip *chip, double bytes)
{
    return chip->launch_s + bytes / (chip->hbm_byte_per_s * chip->hbm_fraction);
}
