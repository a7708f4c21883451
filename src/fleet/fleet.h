/* SPDX-License-Identifier: BSD-3-Clause */
/* What hardware is: chips, servers, the fabric between them, the site around them; filled from data/. */
#ifndef MUIR_FLEET_FLEET_H
#define MUIR_FLEET_FLEET_H

#include "base/options.h"

#define OPTION MUIR_OPTION_FIELD
typedef struct muir_chip {
#include "fleet/chip.def"
} muir_chip;
typedef struct muir_library {
#include "fleet/library.def"
} muir_library;
typedef struct muir_fleet_top {
#include "fleet/fleet.def"
} muir_fleet_top;
typedef struct muir_server {
#include "fleet/server.def"
} muir_server;
typedef struct muir_fabric {
#include "fleet/fabric.def"
} muir_fabric;
typedef struct muir_site {
#include "fleet/site.def"
} muir_site;
typedef struct muir_variation {
#include "fleet/variation.def"
} muir_variation;
#undef OPTION
#define OPTION MUIR_OPTION_ENUM
#include "fleet/library.def"
#include "fleet/server.def"
#undef OPTION

/* Plain data: it is sent to other ranks as bytes. */
typedef struct muir_fleet {
    muir_fleet_top top;
    muir_server server;
    muir_fabric fabric;
    muir_site site;
    muir_variation variation;
    muir_chip chip;       /* loaded from the file that top.chip names */
    muir_library library; /* loaded from the file that top.library names */
    /* The job's slice: servers in a row that optical switches join; 0: 1. */
    int tori[MUIR_DIMS];
} muir_fleet;

/* Keys of data/chips files into muir_chip, of data/libraries files into muir_library, of data/fleets files
 * into muir_fleet (all but `chip` and `library`). */
extern const muir_schema muir_chip_schema;
extern const muir_schema muir_library_schema;
extern const muir_schema muir_fleet_schema;

/* Whether the values fit together: torus size against chips, link rates against topology, sites.
 * where  in   the file's name, starts the message
 * Local. MUIR_ERR_ARG. */
muir_status muir_fleet_check(muir_ctx *ctx, const char *where, const muir_fleet *fleet);

/* The name of the fleet's library in data/libraries: the one given, or by topology where it is `auto`.
 * Local. */
const char *muir_fleet_library(const muir_fleet *fleet);

/* Whether the library suits the fleet's topology.
 * where  in   the file's name, starts the message
 * Local. MUIR_ERR_ARG. */
muir_status muir_library_check(muir_ctx *ctx, const char *where, const muir_fleet *fleet);

/* Chips of the whole fleet. Local. */
int64_t muir_fleet_chips(const muir_fleet *fleet);

/* Hosts (operating systems) that drive a number of chips, the last perhaps fewer. Local. */
int64_t muir_fleet_hosts(const muir_fleet *fleet, int64_t chips);

/* Servers that share a rack; 1 where a server fills one or more. Local. */
int64_t muir_fleet_rack_servers(const muir_fleet *fleet);

/* Sites that its servers are on; 1 where fabric.site_servers is 0. Local. */
int64_t muir_fleet_sites(const muir_fleet *fleet);

/* Lays a job's chips on its pods: the servers that it needs of each pod become one torus, the most compact
 * one of exactly so many (least sum of its sides, the longest in z); each is on its own where pod_servers is
 * 1. Sides are whole servers, so that all rings are closed; a group on part of a side is a line.
 * Local. Source: Jouppi et al., TPU v4, ISCA 2023, arXiv 2304.01433 (slices of 4x4x4 cubes). */
void muir_fleet_slice(muir_fleet *fleet, int64_t chips);

/* Chips of a scale-up domain: a server, or the job's slice of a pod; and its side in dimension d. Local. */
int64_t muir_fleet_domain(const muir_fleet *fleet);
int muir_fleet_side(const muir_fleet *fleet, int d);

/* Dense products C[m,n] = A[m,k] B[k,n], count of them side by side. */
typedef struct muir_gemm_shape {
    double m, n, k, count;
    double share;           /* part of each product that is computed */
    double in_bytes;        /* operands read from device memory [byte] */
    double out_bytes;       /* results written, and read where they are added to [byte] */
    double peak_flop_per_s; /* of their type [FLOP/s] */
    double fraction;        /* share of the peak that the best product reaches */
} muir_gemm_shape;

/* Time of dense products [s].
 *     t = launch + max(2 m n k count share / (peak fraction q) + epilogue out_bytes / beta, bytes / beta)
 *     beta = hbm_byte_per_s hbm_fraction
 *     q = useful share of the tiles (m and n rounded up to tiles) x of the cores (tiles rounded up to
 *     rounds),
 *         the best of the chip's tile and of tiles half as high, half as wide or both, which read their
 *         operands
 *         more often: each halving costs 4 %
 * Local. */
double muir_chip_gemm_time_s(const muir_chip *chip, const muir_gemm_shape *shape);

/* Time to move bytes through device memory.
 *     t = launch + bytes / (hbm_byte_per_s hbm_fraction)
 * Local. */
double muir_chip_mem_time_s(const muir_chip *chip, double bytes);

#endif
